package logplex

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kigo-dev/kigo"
)

func framed(messages ...string) string {
	var b strings.Builder
	for _, m := range messages {
		fmt.Fprintf(&b, "%d %s", len(m), m)
	}
	return b.String()
}

func TestInputIsReadAsLogplexFramesIt(t *testing.T) {
	// The first is the example of Logplex's own documentation, with a process.
	body := framed("<174>1 2012-07-22T00:06:26+00:00 host erlang console - Hi from erlang\n",
		"<190>1 2026-11-22T12:00:00.123456+02:00 host t.1 - - two\nlines \x00\xff", "<0>1 - h a api - posing as the platform", "<13>1 - h a a[b - x", "<13>1 - h a p - ")
	got, err := ParseInput([]byte(body), 5, "addon")
	if err != nil {
		t.Fatal(err)
	}
	want := []kigo.LogLine{
		{Time: time.Date(2012, 7, 22, 0, 6, 26, 0, time.UTC), Source: "app", Process: "console", Message: "Hi from erlang\n"},
		{Time: time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC), Source: "app", Process: "addon", Message: "two\nlines \x00\xff"},
		{Source: "app", Process: "addon", Message: "posing as the platform"},
		{Source: "app", Process: "addon", Message: "x"}, {Source: "app", Process: "p"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBadInputIsToldWhatIsWrongWithIt(t *testing.T) {
	good := "<190>1 2026-11-22T12:00:00Z host app web.1 - text"
	for body, want := range map[string]string{
		"":                                  "holds no message",
		"hello":                             `message 1 at byte 0: it must begin with its length in bytes and a space, not "hello"`,
		"12345678901234567890 x":            "must begin with its length",
		"-5 abcdef":                         `its length "-5" is not a number`,
		"05 abcde":                          `its length "05" is not a number`,
		"+5 abcde":                          `its length "+5" is not a number`,
		"99999999999 x":                     `its length "99999999999" is not a number`,
		"100000 x":                          "its length is 100000: at most 65536 bytes are taken",
		"60 " + good:                        "its length is 60, but only 49 bytes follow",
		framed(good) + "7 oh":               "message 2 at byte 52: its length is 7, but only 2 bytes follow",
		framed("abc"):                       "1 of the seven parts",
		framed("190 a b c d e f"):           `begins with "190"`,
		framed("<192>1 - c d e - f"):        "begins with",
		framed("<13>2 - c d e - f"):         "begins with",
		framed("<13>1 yesterday c d e - f"): `its time "yesterday"`,
		framed(good, good):                  "Logplex-Msg-Count is 1, but the body holds 2 messages",
		strings.Repeat(framed("<13>1 - c d e - f"), 10_001): "more than 10000 messages",
	} {
		lines, err := ParseInput([]byte(body), 1, "addon")
		if err == nil || !strings.Contains(err.Error(), want) || lines != nil {
			t.Errorf("%.60q: %d lines, %v, want %q", body, len(lines), err, want)
		}
	}
}

func FuzzParseInput(f *testing.F) {
	f.Add([]byte(framed("<190>1 2026-11-22T12:00:00Z host app web.1 - text", "<0>1 - - - - - ")))
	f.Fuzz(func(t *testing.T, body []byte) {
		lines, err := ParseInput(body, -1, "addon")
		if (err == nil) != (len(lines) > 0) {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		for _, l := range lines {
			if l.Source != "app" || exempt(&l) || l.Process == "" {
				t.Fatalf("%+v poses as the platform", l)
			}
		}
	})
}
