package php

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// installPHP puts the PHP that composer.json asks for into the app.
func (a *app) installPHP(ctx context.Context) error {
	want := strings.ReplaceAll(strings.ReplaceAll(a.manifest.Require["php"], "||", "|"), "|", "||")
	tool, err := toolchain.Pick(ctx, "php", want)
	if err != nil {
		return buildpack.Failf("No PHP for \"php\": %q of composer.json: %s\nAsk for one of those, or have the operator add yours to the mirror of toolchains.", want, err)
	}
	root, err := a.shelf.Need(ctx, tool, func() { a.Out.Title("Installing platform packages...") })
	if err != nil {
		return buildpack.Failf("PHP %s could not be fetched: %s", tool.Version, err)
	}
	a.Out.Title("Using PHP %s", tool.Version)
	if err := os.RemoveAll(a.home); err != nil {
		return err
	}
	if err := buildpack.CopyTree(root, a.home, "usr/share/doc", "usr/share/icons", "usr/share/apache2/icons", "usr/lib/apache2/suexec-custom"); err != nil {
		return err
	}
	if has(a.home, "bin/php") { // of the mirror: as it is installed anywhere else
		return nil
	}
	return a.wrap(tool.Version)
}

// wrapper finds Debian's PHP in its new place, with its libraries and settings.
const wrapper = `#!/bin/sh
self=$(readlink -f "$0")
root=${self%%/bin/*}
case $LD_LIBRARY_PATH in
"$root/"*) ;;
*) export LD_LIBRARY_PATH="$root/usr/lib/%[1]s:$root/lib/%[1]s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ;;
esac
export PHP_INI_SCAN_DIR="${PHP_INI_SCAN_DIR:-$root/etc/conf.d}"
exec "$root/%[2]s" %[3]s"$@"
`

// wrap makes bin/php and bin/php-fpm, and the settings of both.
func (a *app) wrap(version string) error {
	arch, err := filepath.Glob(filepath.Join(a.home, "usr/lib/*-linux-gnu"))
	if err != nil || len(arch) == 0 {
		return fmt.Errorf("the toolchain has no libraries")
	}
	for _, d := range []string{"bin", "etc/conf.d"} {
		if err := os.MkdirAll(filepath.Join(a.home, d), 0o755); err != nil {
			return err
		}
	}
	ini := `-c "$root/usr/lib/php/` + version + `/php.ini-production" -d extension_dir="$(echo "$root"/usr/lib/php/20*)" `
	for name, program := range map[string]string{"php": "usr/bin/php" + version, "php-fpm": "usr/sbin/php-fpm" + version, "nginx": "usr/sbin/nginx", "apache2": "usr/sbin/apache2"} {
		options := ""
		if strings.HasPrefix(name, "php") {
			options = ini
		}
		if err := os.WriteFile(filepath.Join(a.home, "bin", name), fmt.Appendf(nil, wrapper, filepath.Base(arch[0]), program, options), 0o755); err != nil {
			return err
		}
	}
	return a.extensions()
}

// first are extensions that others need.
var first = []string{"mysqlnd", "pdo", "dom", "xml"}

// extensions switches on all that the toolchain has.
func (a *app) extensions() error {
	files, err := filepath.Glob(filepath.Join(a.home, "usr/lib/php/20*/*.so"))
	if err != nil {
		return err
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".so"))
	}
	rank := func(name string) int {
		if i := slices.Index(first, name); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(rank(x), rank(y)) })
	var b strings.Builder
	b.WriteString("expose_php = Off\ndisplay_errors = Off\nlog_errors = On\nerror_log = /dev/stderr\nvariables_order = EGPCS\n")
	for _, name := range names {
		if name == "opcache" {
			b.WriteString("zend_extension = opcache\n")
			continue
		}
		b.WriteString("extension = " + name + "\n")
	}
	return os.WriteFile(filepath.Join(a.home, "etc/conf.d/000-heroku.ini"), []byte(b.String()), 0o644)
}

//go:embed server
var server embed.FS

// installServers puts the commands of Procfiles in both of their places.
func (a *app) installServers(context.Context) error {
	for _, name := range []string{"heroku-php-apache2", "heroku-php-nginx"} {
		text, err := server.ReadFile("server/" + name)
		if err != nil {
			return err
		}
		common, err := server.ReadFile("server/common.sh")
		if err != nil {
			return err
		}
		text = []byte(strings.Replace(string(text), "# common.sh\n", string(common), 1))
		if err := os.MkdirAll(filepath.Join(a.home, "bin"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(a.home, "bin", name), text, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// linkServers makes vendor/bin/heroku-php-…, where Procfiles look for them. Composer
// removes what it does not know there, so they come after it.
func (a *app) linkServers() error {
	dir := filepath.Join(a.Dir, "vendor", "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"heroku-php-apache2", "heroku-php-nginx"} {
		link := filepath.Join(dir, name)
		if err := os.RemoveAll(link); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join("..", "..", ".heroku/php/bin", name), link); err != nil {
			return err
		}
	}
	return nil
}

// packagist is where Composer asks for packages.
func (a *app) packagist() string {
	return cmp.Or(buildpack.GetEnv(a.env, "COMPOSER_MIRROR_URL"), "https://repo.packagist.org")
}

// composer installs what composer.lock names.
func (a *app) composer(ctx context.Context) error {
	if !has(a.Dir, "composer.json") || a.packages() == 0 && len(a.manifest.Scripts) == 0 {
		return a.linkServers()
	}
	if err := a.installComposer(ctx); err != nil {
		return err
	}
	config := map[string]any{}
	if url := buildpack.GetEnv(a.env, "COMPOSER_MIRROR_URL"); url != "" {
		config["repositories"] = map[string]any{"packagist.org": map[string]string{"type": "composer", "url": url}}
		config["config"] = map[string]any{"secure-http": strings.HasPrefix(url, "https://")}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(a.Pack, "composer"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(a.Pack, "composer", "config.json"), text, 0o644); err != nil {
		return err
	}
	if a.packages() > 0 {
		if err := a.install(ctx); err != nil {
			return err
		}
	}
	return a.linkServers()
}

func (a *app) install(ctx context.Context) error {
	a.Out.Title("Installing dependencies...")
	if err := (buildpack.Command{Args: []string{"composer", "install", "--no-dev", "--dry-run", "--quiet"}, Dir: a.Dir, Env: a.env}).Run(ctx); err != nil || !has(a.Dir, "vendor/autoload.php") {
		if !strings.Contains(a.locked(), `"type": "path"`) || strings.Contains(a.locked(), `"type": "zip"`) {
			if err := buildpack.Reach(ctx, "The registry of PHP packages", a.packagist()+"/packages.json"); err != nil {
				return err
			}
		}
	}
	if err := a.run(ctx, "composer", "install", "--no-dev", "--prefer-dist", "--optimize-autoloader", "--no-interaction", "--no-progress"); err != nil {
		return buildpack.Failf("Failed to install dependencies with Composer: the messages above say why.")
	}
	return nil
}

func (a *app) locked() string {
	text, err := os.ReadFile(filepath.Join(a.Dir, "composer.lock"))
	if err != nil {
		return ""
	}
	return string(text)
}

// installComposer makes a command of Debian's Composer for this build.
func (a *app) installComposer(ctx context.Context) error {
	tool, err := toolchain.Pick(ctx, "composer", "")
	if err != nil {
		return err
	}
	root, err := a.shelf.Need(ctx, tool, func() {})
	if err != nil {
		return buildpack.Failf("Composer %s could not be fetched: %s", tool.Version, err)
	}
	program := filepath.Join(root, "usr/bin/composer")
	if has(root, "bin/composer") {
		program = filepath.Join(root, "bin/composer")
	}
	bin := filepath.Join(a.Pack, "bin-composer")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	script := "#!/bin/sh\nexec php -d include_path=.:'" + root + "/usr/share/php' -d memory_limit=-1 '" + program + "' \"$@\"\n"
	a.env = append(a.env, "PATH="+bin+":"+buildpack.GetEnv(a.env, "PATH"))
	return os.WriteFile(filepath.Join(bin, "composer"), []byte(script), 0o755)
}

// profile has dynos and later buildpacks find PHP and the servers.
func (a *app) profile(context.Context) error {
	dir := filepath.Join(a.Dir, ".profile.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const text = "export PATH=\"%s/.heroku/php/bin:%s/vendor/bin:$PATH\"\n"
	if err := os.WriteFile(filepath.Join(dir, "100-composer.sh"), fmt.Appendf(nil, text, "$HOME", "$HOME"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.Pack, "export"), fmt.Appendf(nil, text, a.Dir, a.Dir), 0o644)
}
