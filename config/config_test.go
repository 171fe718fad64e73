package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFlagWinsOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	dir := t.TempDir()
	file := `{"domain":"file.example","email":"file@example.com","builds":7}`
	if err := os.WriteFile(filepath.Join(dir, "kigo.json"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"KIGO_EMAIL": "env@example.com", "KIGO_DOMAIN": "env.example"}
	c, err := Load([]string{"--data", dir, "--domain", "flag.example"}, func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	if c.Domain != "flag.example" || c.Email != "env@example.com" || c.Builds != 7 {
		t.Errorf("domain %s email %s builds %d", c.Domain, c.Email, c.Builds)
	}
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	for _, args := range [][]string{
		{"--api", "5000"}, {"--http", "nonsense"}, {"--network", "10.0.0.0/8"}, {"--network", "fd00::/64"},
		{"--network", "x"}, {"--domain", "a b"}, {"--database", "mysql://x"}, {"--stack-size", "huge"},
		{"--builds", "0"}, {"--idle-after", "soon"}, {"--idle-after", "-1m"}, {"--eco-hours", "-1"}, {"--eco-hours", "NaN"}, {"--eco-hours", "2000000"}, {"--probation", "long"}, {"--drain-spill", "much"}, {"--drain-spill", "200GB"}, {"--alert-every", "0"}, {"--email", "nobody"}, {"--allow-private", "10.1.2.3"},
	} {
		_, err := Load(append(args, "--data", t.TempDir()), func(string) string { return "" })
		if err == nil || !strings.Contains(err.Error(), args[0]) {
			t.Errorf("%v: error %v does not name the flag", args, err)
		}
	}
}

func TestADataFolderThatNotEveryPartCanTakeIsRefused(t *testing.T) {
	none := func(string) string { return "" }
	for _, path := range []string{"/srv/a b", "/srv/a,b", "/srv/a:b", "/srv/50%", "/srv/a?b", "/srv/it's", "/srv/a\nb", "/srv/a\\b", "/srv/$(x)"} {
		if _, err := Load([]string{"--data", path}, none); err == nil || !strings.HasPrefix(err.Error(), "--data ") || !strings.Contains(err.Error(), "not every part") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := Load([]string{"--data", "/srv/" + strings.Repeat("long", 20)}, none); err == nil || !strings.Contains(err.Error(), "85 bytes, 82 are the most") {
		t.Error(err)
	}
	if _, err := Load([]string{"--data", "/srv/Übung_1-2.3+4@5~6=7"}, none); err != nil {
		t.Error(err)
	}
}

func TestAnEnvironmentVariableThatDoesNotParseIsNamed(t *testing.T) {
	env := func(k string) string { return map[string]string{"KIGO_BUILDS": "many"}[k] }
	_, err := Load([]string{"--data", t.TempDir()}, env)
	if err == nil || !strings.Contains(err.Error(), "KIGO_BUILDS") {
		t.Errorf("error %v", err)
	}
}
