package kigo_test

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
)

func TestCredentialsInDrainURLsAreMasked(t *testing.T) {
	for raw, want := range map[string]string{
		"https://logs.example.com/x":                    "https://logs.example.com/x",
		"https://user:secret@logs.example.com:99/x":     "https://user:xxxxx@logs.example.com:99/x",
		"https://secret@logs.example.com/":              "https://xxxxx@logs.example.com/",
		"https://logs.example.com/?api-key=secret&a=b":  "https://logs.example.com/?api-key=xxxxx&a=xxxxx",
		"https://logs.example.com/?secret":              "https://logs.example.com/?xxxxx",
		"https://logs.example.com/#secret":              "https://logs.example.com/#xxxxx",
		"syslog+tls://u:sec%72et@logs.example.com:6514": "syslog+tls://u:xxxxx@logs.example.com:6514",
		"https://secret:%zz@h/":                         "xxxxx",
	} {
		if got := kigo.MaskURL(raw); got != want || strings.Contains(got, "secret") {
			t.Errorf("%s: masked as %s, want %s", raw, got, want)
		}
	}
}
