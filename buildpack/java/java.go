// Package java holds the built-in buildpacks for Java apps that Maven or Gradle
// build. They follow heroku/java and heroku/gradle in what they read, run, set and
// print, and differ in where the JDK and Maven come from: Debian's packages or the
// operator's mirror.
//
// Start reading at Maven and Gradle; jdk.go puts the JDK into the app.
package java

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// Maven is heroku/java, Gradle heroku/gradle.
var (
	Maven  = buildpack.Builtin{Name: "java", Language: "Java", Detect: isMaven, Compile: compileMaven, Release: releaseMaven}
	Gradle = buildpack.Builtin{Name: "gradle", Language: "Gradle", Detect: isGradle, Compile: compileGradle, Release: releaseGradle}
)

func has(dir, name string) bool {
	st, err := os.Stat(filepath.Join(dir, name))
	return err == nil && st.Mode().IsRegular()
}

func isMaven(dir string) bool {
	return slices.ContainsFunc([]string{"pom.xml", "pom.atom", "pom.clj", "pom.groovy", "pom.rb", "pom.scala", "pom.yaml", "pom.yml"}, func(name string) bool { return has(dir, name) })
}

func isGradle(dir string) bool {
	return slices.ContainsFunc([]string{"gradlew", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"}, func(name string) bool { return has(dir, name) })
}

// app is one compile.
type app struct {
	*buildpack.Build
	shelf toolchain.Shelf
	jdk   string // BUILD_DIR/.jdk
	env   []string
}

func newApp(b *buildpack.Build) *app {
	a := &app{Build: b, shelf: toolchain.Platform(b.Cache), jdk: filepath.Join(b.Dir, ".jdk")}
	a.env = append(os.Environ(), buildpack.ConfigEnv(b.EnvDir)...)
	a.env = append(a.env, "JAVA_HOME="+a.jdk, "PATH="+filepath.Join(a.jdk, "bin")+":"+buildpack.GetEnv(a.env, "PATH"))
	return a
}

func (a *app) run(ctx context.Context, args ...string) error {
	out := a.Out.Indent()
	defer out.Close() //nolint:errcheck // nobody is left to tell
	return buildpack.Command{Args: args, Dir: a.Dir, Env: a.env, Out: out, User: true}.Run(ctx)
}

// setting is a config var of a buildpack, or what it is by default.
func (a *app) setting(name, otherwise string) string {
	if v := buildpack.GetEnv(a.env, name); v != "" {
		return v
	}
	return otherwise
}

// properties reads one key of a Java properties file.
func property(dir, file, key string) string {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.TrimSpace(name) == key {
			return strings.ReplaceAll(strings.TrimSpace(value), `\:`, ":")
		}
	}
	return ""
}

// databases are what makes heroku/java ask for a database: a PostgreSQL driver.
var databases = regexp.MustCompile(`<groupId>(org\.postgresql|postgresql|com\.impossibl\.pgjdbc-ng)</groupId>`)

func releaseMaven(dir string) (r buildpack.Release) {
	pom, err := os.ReadFile(filepath.Join(dir, "pom.xml"))
	if err != nil {
		return r
	}
	if databases.Match(pom) {
		r.Addons = []string{"heroku-postgresql"}
	}
	text := string(pom)
	switch {
	case strings.Contains(text, "<groupId>org.springframework.boot</groupId>") && strings.Contains(text, "spring-boot-maven-plugin"):
		r.ProcessTypes = map[string]string{"web": "java -Dserver.port=$PORT $JAVA_OPTS -jar target/*.jar"}
	case strings.Contains(text, "<groupId>io.quarkus</groupId>"):
		r.ProcessTypes = map[string]string{"web": "java -Dquarkus.http.port=$PORT $JAVA_OPTS -jar target/quarkus-app/quarkus-run.jar"}
	}
	return r
}

func releaseGradle(dir string) (r buildpack.Release) {
	var text string
	for _, name := range []string{"build.gradle", "build.gradle.kts"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			text += string(b)
		}
	}
	switch {
	case strings.Contains(text, "org.springframework.boot"):
		r.ProcessTypes = map[string]string{"web": "java -Dserver.port=$PORT $JAVA_OPTS -jar build/libs/*.jar"}
	case strings.Contains(text, "io.quarkus"):
		r.ProcessTypes = map[string]string{"web": "java -Dquarkus.http.port=$PORT $JAVA_OPTS -jar build/quarkus-app/quarkus-run.jar"}
	}
	return r
}
