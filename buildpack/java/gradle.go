package java

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

func compileGradle(ctx context.Context, b *buildpack.Build) error {
	g := gradle{newApp(b)}
	for _, step := range []func(context.Context) error{g.check, g.installJDK, g.reach, g.build, g.profile} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// gradle is one compile with the app's own Gradle wrapper.
type gradle struct{ *app }

const wrapperProperties = "gradle/wrapper/gradle-wrapper.properties"

// check wants the wrapper, as Heroku does: it says which Gradle an app is built by.
func (g gradle) check(context.Context) error {
	if !has(g.Dir, "gradlew") {
		return buildpack.Failf("Your app does not have a Gradle wrapper: ./gradlew is missing.\nRun `gradle wrapper` and add what it makes, ./gradlew and ./gradle, to git.")
	}
	return os.Chmod(filepath.Join(g.Dir, "gradlew"), 0o755)
}

// reach asks for Gradle itself, which the wrapper would wait for without an end.
func (g gradle) reach(ctx context.Context) error {
	address := property(g.Dir, wrapperProperties, "distributionUrl")
	if found, _ := filepath.Glob(filepath.Join(g.home(), "wrapper/dists/*/*/*.ok")); len(found) > 0 || !strings.HasPrefix(address, "http") { // the pattern is well-formed
		return nil
	}
	return buildpack.Reach(ctx, "Gradle", address)
}

func (g gradle) home() string { return filepath.Join(g.Cache, ".gradle") }

// task is what heroku/gradle runs.
func (g gradle) task() string {
	if t := g.setting("GRADLE_TASK", ""); t != "" {
		return t
	}
	var text string
	for _, name := range []string{"build.gradle", "build.gradle.kts"} {
		if b, err := os.ReadFile(filepath.Join(g.Dir, name)); err == nil {
			text += string(b)
		}
	}
	if strings.Contains(text, "stage") {
		return "stage"
	}
	for _, framework := range []string{"org.springframework.boot", "io.quarkus", "io.micronaut", "ratpack"} {
		if strings.Contains(text, framework) {
			return "build -x check"
		}
	}
	return "stage"
}

func (g gradle) build(ctx context.Context) error {
	task := g.task()
	g.env = append(g.env, "GRADLE_USER_HOME="+g.home(), "GRADLE_OPTS=-Dorg.gradle.daemon=false "+g.setting("GRADLE_OPTS", ""), "LC_ALL=C.UTF-8")
	g.Out.Title("Building Gradle app...")
	g.Out.Title("executing ./gradlew %s", task)
	if err := g.run(ctx, append([]string{"./gradlew"}, strings.Fields(task)...)...); err != nil {
		return buildpack.Failf("Failed to run Gradle!\nThe messages above say why. If the task %q is not known, define it or set GRADLE_TASK.", task)
	}
	return nil
}
