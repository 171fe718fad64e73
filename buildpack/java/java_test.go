package java

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain/toolchaintest"
	"github.com/kigo-dev/kigo/internal/testenv"
)

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>com.example</groupId><artifactId>hello</artifactId><version>1.0</version>
  <properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target></properties>
  <dependencies><dependency><groupId>commons-io</groupId><artifactId>commons-io</artifactId><version>debian</version></dependency></dependencies>
</project>
`

const source = `import org.apache.commons.io.IOUtils;
public class Main { public static void main(String[] a) throws Exception {
  System.out.println(IOUtils.toString(new java.io.StringReader("hello from a jar"))); } }
`

// build compiles files below dir, with dir's cache.
func build(t *testing.T, b buildpack.Builtin, dir, name string, config, files map[string]string) (output, app string, err error) {
	t.Helper()
	home := filepath.Join(dir, name)
	at := &buildpack.Build{Dir: filepath.Join(home, "build"), Cache: filepath.Join(dir, "cache"), Pack: filepath.Join(home, "pack"), EnvDir: filepath.Join(home, "env")}
	testenv.Files(t, at.Dir, files)
	testenv.Files(t, at.EnvDir, config)
	testenv.Files(t, at.Pack, map[string]string{"x": ""})
	testenv.Files(t, at.Cache, map[string]string{"x": ""})
	var out bytes.Buffer
	at.Config, at.Out = buildpack.EnvDir(at.EnvDir), buildpack.Output{W: &out}
	err = b.Compile(t.Context(), at)
	return out.String(), at.Dir, err
}

func store(t *testing.T) string {
	t.Helper()
	dir := toolchaintest.Store(t, "jdk-17", "maven-3.8")
	t.Setenv("KIGO_TOOLCHAINS", dir)
	t.Setenv("STACK", "heroku-22")
	return dir
}

func TestAMavenAppIsBuiltFromARepositoryAndThenFromTheCache(t *testing.T) {
	repository := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(store(t), "maven-3.8/usr/share/maven-repo"))))
	defer repository.Close()
	dir := t.TempDir()
	files := map[string]string{"pom.xml": pom, "src/main/java/Main.java": source, "system.properties": "java.runtime.version = 17\n"}
	config := map[string]string{"MAVEN_MIRROR_URL": repository.URL, "MAVEN_CUSTOM_GOALS": "clean install"}
	out, app, err := build(t, Maven, dir, "one", config, files)
	if err != nil || !strings.Contains(out, "-----> Installing OpenJDK 17... done\n") || !strings.Contains(out, "-----> Executing Maven\n       $ mvn -DskipTests clean install\n") || !strings.Contains(out, "BUILD SUCCESS") {
		t.Fatalf("%v\n%s", err, out)
	}
	moved := filepath.Join(dir, "app")
	if err := os.Rename(app, moved); err != nil {
		t.Fatal(err)
	}
	jar, err := filepath.Glob(filepath.Join(dir, "cache/.m2/repository/commons-io/commons-io/debian/*.jar"))
	if err != nil || len(jar) != 1 {
		t.Fatalf("fetched: %v %v", jar, err)
	}
	if said, err := dyno(moved, "java -cp target/classes:"+jar[0]+" Main", "DATABASE_URL="); err != nil || !strings.HasSuffix(said, "hello from a jar\n") {
		t.Errorf("%v %s", err, said)
	}
	repository.Close() // the cache is enough
	config["MAVEN_CUSTOM_OPTS"] = "-DskipTests -o"
	if out, _, err := build(t, Maven, dir, "two", config, files); err != nil || !strings.Contains(out, "Maven's repository cannot be reached at http://127.0.0.1:") {
		t.Errorf("%v\n%s", err, out)
	}
}

// dyno has bash run a command in an app's folder as a dyno does.
func dyno(dir, command string, env ...string) (string, error) {
	cmd := exec.Command("/bin/bash", "-c", `for f in .profile.d/*.sh; do . "$f"; done; `+command)
	cmd.Dir, cmd.Env = dir, append([]string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestJavaAppsThatCannotBeBuiltSayWhy(t *testing.T) {
	store(t)
	down := map[string]string{"MAVEN_MIRROR_URL": "http://127.0.0.1:1"}
	for name, c := range map[string]struct {
		pack          buildpack.Builtin
		config, files map[string]string
		want          string
	}{
		"unknown JDK":        {Maven, down, map[string]string{"pom.xml": pom, "system.properties": "java.runtime.version=1.8"}, "No OpenJDK for java.runtime.version=1.8 of system.properties: jdk 8: no such version; there is 17"},
		"repository is down": {Maven, down, map[string]string{"pom.xml": strings.ReplaceAll(pom, "commons-io", "nothing")}, "Failed to build app with Maven\nThe build lacks something that only Maven's repository has, and http://127.0.0.1:1 cannot be reached."},
		"no Gradle wrapper":  {Gradle, nil, map[string]string{"build.gradle": ""}, "./gradlew is missing"},
		"Gradle is down":     {Gradle, nil, map[string]string{"gradlew": "#!/bin/sh\n", wrapperProperties: "distributionUrl=http\\://127.0.0.1\\:1/gradle-8.zip\n"}, "Gradle cannot be reached at http://127.0.0.1:1/gradle-8.zip: "},
		"task is not there":  {Gradle, nil, map[string]string{"gradlew": "#!/bin/sh\nexit 3\n"}, "the task \"stage\" is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := build(t, c.pack, t.TempDir(), "app", c.config, c.files)
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "If the task", "the task"), c.want) {
				t.Errorf("%v; want %q\n%s", err, c.want, out)
			}
		})
	}
}

func TestAGradleAppIsBuiltByItsOwnWrapper(t *testing.T) {
	store(t)
	wrapper := "#!/bin/sh\nset -e\necho \"args: $*\" \"$GRADLE_USER_HOME\"\nmkdir -p build\njavac -d build Main.java\n"
	main := "public class Main { public static void main(String[] a) { System.out.println(\"built by gradlew\"); } }\n"
	dir := t.TempDir()
	out, app, err := build(t, Gradle, dir, "app", nil, map[string]string{"gradlew": wrapper, "Main.java": main, "build.gradle": "plugins { id 'org.springframework.boot' }"})
	if err != nil || !strings.Contains(out, "-----> executing ./gradlew build -x check\n       args: build -x check "+dir+"/cache/.gradle\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	if said, err := dyno(app, "java -cp build Main"); err != nil || !strings.HasSuffix(said, "built by gradlew\n") {
		t.Errorf("%v %s", err, said)
	}
}

func TestDynosGetMemoryAndDatabaseAddressesForJava(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testenv.Files(t, filepath.Join(dir, ".profile.d"), map[string]string{"jvmcommon.sh": string(profile)})
	said, err := dyno(dir, `echo "$JAVA_TOOL_OPTIONS|$JDBC_DATABASE_URL|$SPRING_DATASOURCE_USERNAME|$HEROKU_POSTGRESQL_PINK_JDBC_URL"`,
		"DATABASE_URL=postgres://u:p%40w@db.example.com:5432/name", "HEROKU_POSTGRESQL_PINK_URL=postgres://a:b@h/n?sslmode=disable", "JAVA_OPTS=-Xmx1g")
	want := "-Dfile.encoding=UTF-8|jdbc:postgresql://db.example.com:5432/name?user=u&password=p%40w&sslmode=require|u|jdbc:postgresql://h/n?user=a&password=b&sslmode=disable\n"
	if err != nil || said != want {
		t.Errorf("%v\n got %swant %s", err, said, want)
	}
}

func TestJavaTrustsWhatTheBuildTrusts(t *testing.T) {
	home := filepath.Join(store(t), "jdk-17/usr/lib/jvm/java-17-openjdk-amd64")
	bundle, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cacerts")
	if err := os.WriteFile(file, keystore(bundle, time.Now()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(home, "bin/keytool"), "-list", "-keystore", file, "-storepass", keystorePassword).CombinedOutput()
	if n := bytes.Count(out, []byte("trustedCertEntry")); err != nil || n == 0 || n != bytes.Count(bundle, []byte("BEGIN CERTIFICATE")) {
		t.Errorf("%v: %d certificates\n%.500s", err, n, out)
	}
}

func TestFrameworksDecideOnTheWebProcessOfJavaApps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testenv.Files(t, dir, map[string]string{"pom.xml": pom})
	if r := releaseMaven(dir); r.ProcessTypes != nil || r.Addons != nil {
		t.Errorf("plain: %+v", r)
	}
	testenv.Files(t, dir, map[string]string{"pom.xml": "<groupId>org.springframework.boot</groupId> spring-boot-maven-plugin <groupId>org.postgresql</groupId>", "build.gradle": "id 'org.springframework.boot'"})
	r := releaseMaven(dir)
	if r.ProcessTypes["web"] != "java -Dserver.port=$PORT $JAVA_OPTS -jar target/*.jar" || len(r.Addons) != 1 {
		t.Errorf("spring: %+v", r)
	}
	if r := releaseGradle(dir); r.ProcessTypes["web"] != "java -Dserver.port=$PORT $JAVA_OPTS -jar build/libs/*.jar" {
		t.Errorf("gradle: %+v", r)
	}
}
