package kigo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"strings"
	"testing"
)

// cases are what goes wrong with pushes and builds, or was made to, elsewhere: each
// has a test here. A test is FOLDER:NAME, a script or an archive its path.
var cases = []struct {
	what  string
	tests []string
}{
	// Found by running the buildpacks of others.
	{"detect, compile and release run in the buildpack's own folder", []string{run + "own-folder.txtar"}},
	{"the cache of a build that failed is not kept", []string{"build:TestTheCacheIsKeptFromBuildsThatSucceedAlone"}},
	{"Heroku's Go buildpack forgets what it compiled when it loses a race", []string{run + "gocache.txtar"}},
	{"a buildpack ends without a word", []string{run + "compile-fails-silently.txtar", run + "compile-killed.txtar"}},
	{"a registry out of reach is told within a minute", []string{"build:TestAToolchainThatCannotBeFetchedIsTold", "buildpack:TestARegistryThatIsOutOfReachIsToldInOneLineWithoutItsPassword"}},
	{"exports come before later compiles, not before release", []string{run + "exports.txtar", run + "two-buildpacks.txtar"}},
	{"bin/release says nothing, or nothing much", []string{run + "release-nothing.txtar", run + "release-empty.txtar", run + "bad-release.txtar"}},
	{"bin/release needs what compile has made", []string{run + "own-folder.txtar"}},
	{"the last buildpack's release counts", []string{run + "exports.txtar"}},
	{"builds need the app's database", []string{"e2e/testdata/egress.txtar"}},
	{"native modules want the headers of Node.js", []string{"buildpack/nodejs:TestANodeAppIsBuiltFromARegistryOnLoopback"}},
	{"a build step fails for want of the internet: its own words are shown", []string{run + "compile-fails.txtar"}},
	{"links in slugs stay what they are", []string{"slug:TestWhatIsPackedComesOutAsHerokusArchiveAndGoesInAgain", "git:TestTheSourceHoldsTheCommit"}},
	{"buildpacks by URL are pinned, and may be forbidden", []string{run + "two-buildpacks.txtar", run + "not-allowed.txtar"}},
	{"buildpacks check the name of the stack", []string{run + "stack.txtar"}},

	{"G1 to G8: trees with .git, .., a/b and links of git's own files", []string{"git:TestHostileTreesAreRefused"}},
	{"G9: branches named like options and commands", []string{"git:TestBranchesWithOddNamesAreKeptAndNotDeployed"}},
	{"G10: a pack over the limit", []string{"git:TestAPackOverTheLimitIsRefusedAndLeavesNothing"}},
	{"G11: a small pack of a huge object", []string{"git:TestASmallPackOfAHugeObjectIsRefused"}},
	{"G12, G13: many files, many branches, deep paths", []string{"git:TestManyFilesAndManyBranchesArePushed", "git:TestATreeOfTooManyPathsIsRefused", "git:TestAPathTooLongForAnyFileSystemIsRefused"}},
	{"G14: escape codes in names", []string{"git:TestNamesWithEscapeCodesDoNoHarm"}},
	{"G15: submodules of files, commands, options, odd paths", []string{run + "submodule-of-file.txtar", run + "submodule-of-command.txtar", run + "submodule-of-option.txtar", run + "submodule-odd-path.txtar"}},
	{"G16: pointers of Git LFS", []string{"git:TestTheSourceHoldsTheCommit"}},
	{"G17: a push that is cut off", []string{"git:TestAPushThatIsCutOffLeavesNothing"}},
	{"G18: a receive-pack that is killed", []string{"git:TestAReceivePackThatIsKilledHurtsNothing", "git:TestNothingIsLeftOfAKilledPush"}},
	{"G19: two pushes at once", []string{"git:TestTheSecondOfTwoPushesIsToldToWait", "e2e/testdata/bad-input.txtar"}},
	{"G20, G21: forced, deleting and empty pushes; no commit at main", []string{"git:TestAForcedPushIsBuilt", "git:TestDeletionIsRefused", "git:TestOnlyACommitIsDeployed"}},
	{"G22 to G39: tricks of archives", []string{"buildpack/run:TestTricksOfArchivesStayInside", "buildpack/run:TestHostileArchivesAreRefused", "slug:TestBadArchivesAreRefusedWithWhatIsWrong", "slug:TestHostileLayersAreRefused"}},
	{"G40 to G42: bombs, damage, wrong checksums, sparse files", []string{"buildpack/run:TestArchiveBombsEndAtTheirLimit", run + "checksum.txtar", "buildpack/run:TestASourceIsFetchedAndChecked"}},

	{"B1: no buildpack takes the app", []string{run + "no-language.txtar"}},
	{"B2: compile fails", []string{run + "compile-fails.txtar", "git:TestAFailedBuildRejectsThePush"}},
	{"B3: what is no buildpack", []string{run + "not-a-buildpack.txtar"}},
	{"B4: a build that never ends", []string{"build:TestABuildIsKilledAtItsLimitWithAllThatItStarted"}},
	{"B5: a fork bomb", []string{"build:TestHostileBuildsHurtNobodyElse"}},
	{"B6: a build that fills the disk", []string{"build:TestABuildThatFillsTheDiskIsStopped"}},
	{"B7: a gigabyte of output", []string{"output:TestWhatIsOverTheLimitIsDroppedAndTheLastLineSaysSo"}},
	{"B8: what stays behind", []string{"build:TestHostileBuildsHurtNobodyElse", run + "daemon.txtar"}},
	{"B9: writes outside of /app", []string{"build:TestHostileBuildsHurtNobodyElse"}},
	{"B10: the metadata service, the control plane, others", []string{"oci:TestADynoReachesNeitherTheHostNorAnotherDyno", "network:TestDynosReachTheInternetAndNothingElse", "e2e/testdata/egress.txtar"}},
	{"B11: buildpacks of files, options, plain http; redirects", []string{"buildpack:TestBuildpacksThatAreNoneAreRefusedWithTheNamesThatExist", run + "http-url.txtar", run + "redirect.txtar"}},
	{"B12: a buildpack changes while builds use it", []string{run + "two-buildpacks.txtar"}},
	{"B13: what a cache leads to, another app's cache", []string{"build:TestWhatABuildPutsIntoItsCacheLeadsNowhereElse"}},
	{"B14: cancelled in each phase", []string{"build:TestABuildCanBeCancelledInEachPhase", "build:TestABuildCanBeCancelledWhileItIsPacked", "build:TestABuildThatIsCancelledAtTheLastMomentSaysSo", "build:TestACancelledBuildEndsAtOnce"}},
	{"B15: a slug that is too large", []string{"build:TestASlugThatIsTooLargeIsRefused", "slug:TestASlugAboveTheLimitIsRefusedInHerokusWordsAndLeavesNothing"}},
	{"B16: Procfiles", []string{".:TestParseProcfileNamesTheLineAtFault", ".:TestParseProcfileKeepsTheOrderOfTypes", ".:TestAnEmptyProcfileDeclaresNothing", run + "bad-procfile.txtar", ".:TestAProcfileMayHaveAHundredTypes"}},
	{"B17: scripts of app.json run in dynos alone", []string{"e2e/testdata/setup.txtar"}},
	{"B18: release phases that fail or hang", []string{"e2e/testdata/release-phase.txtar", "release:TestAPhaseThatTakesTooLongFailsAndIsStopped"}},
	{"B19: releases that poison", []string{"e2e/testdata/probation.txtar", "e2e/testdata/boot.txtar", "dyno:TestADynoKilledForMemoryIsR15"}},
	{"B20: back to a release without its code", []string{"control:testRemovedCode", "slug:TestGCKeepsWhatIsWantedAndWhatIsNew"}},
	{"B21: a slug that is damaged", []string{"dyno:TestADamagedSlugIsR17AndDoesNotStart", "slug:TestAnImageIsCheckedAtItsFirstUseAfterABoot", "slug:TestAdoptTakesOnlyTheBytesOfTheDigest"}},
	{"B22: the builder dies", []string{"build:TestABuildThatWasInterruptedBeginsAgainAndWaitingOnesRun", "build:TestABuildThatEndsThePlatformAgainAndAgainIsGivenUp"}},
	{"B23: the disk is full", []string{"build:TestAFullDiskIsToldAsOurs"}},
	{"B24: a deploy while dynos crash in a row", []string{"dyno:TestACrashLoopIsSlowedDownToOneStartADay", "e2e/testdata/lifecycle.txtar", "e2e/testdata/probation.txtar"}},

	// New images of the stack.
	{"a new image reaches every app without a build, but for those that need the old one", []string{"e2e:TestAPatchMovesEveryAppWithoutABuildOrALostRequest", "patch:TestOneAppGoesFirstThenAsManyAsCameUp", "control:testPatch"}},
	{"an operator asks again while a patch is being halted", []string{"patch:TestAHaltTakesNothingBackThatAnOperatorAskedMeanwhile"}},
	{"builds of Dockerfiles begin at once; a builder without libraries", []string{"stack:TestTheRootForDockerfilesOfAStaticBuilderIsMadeOnceForAllWhoAsk"}},
	{"a stack that is none", []string{"control:testNewApp"}},
}

// run is where the transcripts of builds are.
const run = "buildpack/run/testdata/builds/"

func TestEachCaseOfPushesAndBuildsHasItsTest(t *testing.T) {
	for _, c := range cases {
		if len(c.tests) == 0 {
			t.Errorf("%s: no test", c.what)
		}
		for _, name := range c.tests {
			folder, test, isTest := strings.Cut(name, ":")
			if isTest && !testsOf(t, folder)[test] {
				t.Errorf("%s: there is no %s in %s", c.what, test, folder)
			}
			if _, err := os.Stat(folder); err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
		}
	}
}

var foundTests = map[string]map[string]bool{}

// testsOf are the names of a folder's tests.
func testsOf(t *testing.T, folder string) map[string]bool {
	t.Helper()
	if names := foundTests[folder]; names != nil {
		return names
	}
	names := map[string]bool{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path.Join(folder, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	foundTests[folder] = names
	return names
}
