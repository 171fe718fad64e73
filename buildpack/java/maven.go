package java

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// maven is one compile with Maven.
type maven struct {
	*app
	command  string   // mvn, or the app's own wrapper
	options  []string // before the app's own
	goals    string
	debians  string // Debian's repository in the toolchain
	isolated bool   // Central is out of reach
}

func compileMaven(ctx context.Context, b *buildpack.Build) error {
	m := &maven{app: newApp(b)}
	for _, step := range []func(context.Context) error{m.installJDK, m.installMaven, m.settings, m.build, m.profile} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// central is where Maven fetches from.
func (m *maven) central() string {
	return cmp.Or(buildpack.GetEnv(m.env, "MAVEN_MIRROR_URL"), "https://repo.maven.apache.org/maven2/")
}

// installMaven gets Maven, and uses the app's own wrapper where it can be asked for
// the Maven that it names.
func (m *maven) installMaven(ctx context.Context) error {
	err := buildpack.Reach(ctx, "Maven's repository", m.central())
	m.isolated = err != nil
	if has(m.Dir, "mvnw") && has(m.Dir, ".mvn/wrapper/maven-wrapper.properties") && !m.isolated {
		m.command = "./mvnw"
		return os.Chmod(filepath.Join(m.Dir, "mvnw"), 0o755)
	}
	tool, perr := toolchain.Pick(ctx, "maven", property(m.Dir, "system.properties", "maven.version"))
	if perr != nil {
		return buildpack.Failf("No Maven for maven.version of system.properties: %s", perr)
	}
	root, nerr := m.shelf.Need(ctx, tool, func() {})
	if nerr != nil {
		return buildpack.Failf("Maven %s could not be fetched: %s", tool.Version, nerr)
	}
	home := root
	if has(root, "usr/share/maven/bin/mvn") {
		home, m.debians = filepath.Join(root, "usr/share/maven"), filepath.Join(root, "usr/share/maven-repo")
	}
	m.command = filepath.Join(home, "bin/mvn")
	m.Out.Title("Installing Maven %s... done", tool.Version)
	if !m.isolated {
		return nil
	}
	m.Out.Warn("%s", err)
	m.Out.Warn("Maven works with what earlier builds have fetched and with the plugins of Debian.")
	return nil
}

// settings decides on goals, options and the repository.
func (m *maven) settings(context.Context) error {
	goals := "clean dependency:list install"
	if m.isolated {
		goals = "clean install" // the other plugin is found by asking a repository
	}
	m.goals = m.setting("MAVEN_CUSTOM_GOALS", goals)
	m.options = []string{"--batch-mode", "--no-transfer-progress", "-Dstyle.color=never", "-Dmaven.repo.local=" + filepath.Join(m.Cache, ".m2", "repository"), "-Duser.home=" + m.Cache}
	file := filepath.Join(m.Pack, "settings.xml")
	switch {
	case m.setting("MAVEN_SETTINGS_PATH", "") != "":
		file = filepath.Join(m.Dir, m.setting("MAVEN_SETTINGS_PATH", ""))
	case has(m.Dir, "settings.xml"):
		file = filepath.Join(m.Dir, "settings.xml")
	case m.isolated && m.debians != "":
		m.options = append(m.options, "--legacy-local-repository") // what was fetched from elsewhere counts
		if err := os.WriteFile(file, []byte(repository("file://"+m.debians)), 0o644); err != nil {
			return err
		}
	case buildpack.GetEnv(m.env, "MAVEN_MIRROR_URL") != "":
		if err := os.WriteFile(file, []byte(mirror(m.central())), 0o644); err != nil {
			return err
		}
	default:
		return nil
	}
	m.options = append(m.options, "--settings", file)
	return nil
}

func escaped(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}

// mirror has Maven fetch from another place than Central.
func mirror(url string) string {
	return "<settings><mirrors><mirror><id>mirror</id><mirrorOf>central</mirrorOf><url>" + escaped(url) + "</url></mirror></mirrors></settings>\n"
}

// repository has a folder of the machine be Central: Debian's has no checksums,
// its packages have been checked.
func repository(url string) string {
	const policy = "<releases><enabled>true</enabled><checksumPolicy>ignore</checksumPolicy></releases><snapshots><enabled>false</enabled></snapshots>"
	one := "<id>central</id><url>" + escaped(url) + "</url>" + policy
	return "<settings><profiles><profile><id>debian</id><repositories><repository>" + one + "</repository></repositories><pluginRepositories><pluginRepository>" +
		one + "</pluginRepository></pluginRepositories></profile></profiles><activeProfiles><activeProfile>debian</activeProfile></activeProfiles></settings>\n"
}

func (m *maven) build(ctx context.Context) error {
	own := strings.Fields(m.setting("MAVEN_CUSTOM_OPTS", "-DskipTests"))
	goals := strings.Fields(m.goals)
	m.env = append(m.env, "MAVEN_OPTS="+m.setting("MAVEN_JAVA_OPTS", "-Xmx1024m"), "LC_ALL=C.UTF-8")
	m.Out.Title("Executing Maven")
	m.Out.Line("$ %s %s %s", filepath.Base(m.command), strings.Join(own, " "), m.goals)
	args := append([]string{m.command}, m.options...)
	if err := m.run(ctx, append(append(args, own...), goals...)...); err != nil {
		why := "We're sorry this build is failing: the messages above say why."
		if m.isolated {
			why = fmt.Sprintf("The build lacks something that only Maven's repository has, and %s cannot be reached.", m.central())
		}
		return buildpack.Failf("Failed to build app with Maven\n%s", why)
	}
	return nil
}
