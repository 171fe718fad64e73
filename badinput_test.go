package kigo_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// badInput says which test shows what becomes of each kind of bad input: names, config
// vars, and requests to the API with their logins. A test is "folder TestName", a part of
// one "folder "text"", or a script of e2e.
var badInput = []struct {
	what  string
	tests []string
}{
	{"names of apps: shell characters, options, paths, upper case, length, NUL, homoglyphs, reserved ones", []string{"api TestAppNamesAreChecked", `control "app names are checked and taken once"`}},
	{"a rename to a name that exists, or that was free a moment ago", []string{`control "a renamed app keeps its former name"`, `control "a destroyed app is gone at once and its name is held"`}},
	{"two creates of one name at once", []string{"api TestOneOfManyTakesAName", `control "of two creates of one name exactly one wins"`}},
	{"process types that are none", []string{". TestParseProcfileNamesTheLineAtFault", ". FuzzParseProcfile"}},
	{"more process types than an app may have", []string{". TestAProcfileMayHaveAHundredTypes", "api TestAnAppHasAHundredProcessTypesAtMost", "build TestBuildsThatFailSayWhyAndLeaveNothing", "e2e/testdata/bad-input.txtar"}},
	{"process types that the app does not have", []string{`control "scaling follows Heroku's rules"`, "e2e/testdata/ps.txtar"}},
	{"domains: top level, addresses, empty labels, the platform's own, another tenant's, punycode of plain letters", []string{`control "domains are checked"`}},
	{"a domain that moves to another app", []string{"router TestAHostThatMovesLeadsSomewhereAtEveryMoment", "e2e/testdata/certs.txtar"}},

	{"names of config vars", []string{`control "bad config vars change nothing"`, "api TestWrongTypesAndMissingFieldsAreNamed"}},
	{"LD_PRELOAD and the like, and PORT", []string{`control "config changes make releases in Heroku's words"`, "dyno TestALaunchCarriesTheReleaseAndThePlatformsOwnVariables", "e2e/testdata/config.txtar"}},
	{"values at the limit, and all together above it", []string{`control "bad config vars change nothing"`, "e2e/testdata/bad-input.txtar"}},
	{"NUL and what is not UTF-8", []string{`control "bad config vars change nothing"`}},
	{"quotes, newlines, four-byte characters", []string{`store/storetest "config vars survive byte for byte"`, "e2e/testdata/config.txtar"}},
	{"two changes of config vars at once", []string{"api TestConfigChangesAtOnceAllStay", `control "parallel config changes are all kept"`}},
	{"the value of a config var in files, logs, errors and the record of changes", []string{"api TestTheValueOfAConfigVarIsNowhereElse", "store TestNoSecretIsInTheFiles"}},
	{"a kill between the change and the restart", []string{"e2e TestAKillAtEveryStepLosesNoAppAndLeavesNothing"}},

	{"bodies: too large, too deep, no JSON, wrong types", []string{"api TestEveryBodyRouteRefusesWhatIsNotJSON", "api TestWrongTypesAndMissingFieldsAreNamed"}},
	{"two members of one name", []string{"api TestOfTwoMembersOfOneNameTheLastCounts"}},
	{"Range and other headers", []string{"api TestBadRangesAreRefused", "api TestRangesAndHeadersOfAnySizeAreAnswered", "api FuzzRange"}},
	{"Accept without version 3", []string{"api TestAcceptIsRequired", "api TestAcceptHeaderNamesVersionThree"}},
	{"ids of others, on every route", []string{"api TestForeignAppsAreNotFound", "api TestEveryRouteAsksForItsPermission", "api TestEveryRouteOfATeamAsksForItsPermission"}},
	{"a part or another spelling of an id", []string{"api TestIdsMatchExactly"}},
	{"another method by a header", []string{"api TestMethodsAreOverriddenOnPostAlone"}},
	{"a member that is removed, a token that is revoked: streams, sessions, one-offs", []string{
		"api TestALogStreamEndsWithTheRightToIt", "sshd TestWhatRunsEndsWithTheRightToIt", "rendezvous TestWhoMayNotStayIsCutOffAndTold",
		`control "who was let into a dyno may stay while token and permission last"`, "e2e/testdata/access-ends.txtar",
	}},
	{"a token in an address", []string{"api TestCredentialsComeFromTheHeaderAlone"}},
	{"wrong, expired and revoked tokens", []string{"logplex TestWrongAndExpiredTokensAreRefused", `control "tokens authenticate until they expire or are revoked"`, "e2e/testdata/bad-input.txtar"}},
	{"many wrong passwords; unknown addresses", []string{"api TestTriesOfPasswordsAreLimited", "api TestLoginByPassword", `control "passwords log in"`}},
	{"many connections of one client that never log in", []string{"sshd TestOneClientCannotHoldAllPlaces"}},
	{"requests of other sites; framing", []string{"api TestTheCommandLineLogsInByBrowser", "api TestOAuthPagesSendBackToTheClientAlone", "api TestPagesOfOtherSitesMayCall"}},
	{"markup in what people write", []string{"api TestTheCommandLineLogsInByBrowser", "api TestOAuthPagesSendBackToTheClientAlone"}},
	{"redirects elsewhere; state, PKCE and codes that are used again", []string{"api TestOAuthPagesSendBackToTheClientAlone", "api TestOAuthClientsGetTokens"}},
	{"codes of the second factor and recovery codes that are used again", []string{"api TestASecondFactorIsAskedFor"}},
	{"invitations of others", []string{"api TestTeamsHaveMembersWithRoles", "api TestEveryRouteOfATeamAsksForItsPermission"}},
	{"password resets that were used or are over", []string{"api TestPasswordsAndAddressesChange", "mail TestAPasswordResetIsMailedAndToldNobodyElse"}},
	{"GET changes nothing", []string{"api TestReadingWritesNothing"}},
	{"the address of a log session when it is over", []string{"api TestCapabilitiesAreForOneMethodPathAndTime", "logplex FuzzSessionTokensNeverOpenWithoutTheirKey"}},
	{"fields that are not for users", []string{"api TestFieldsThatAreNotForUsersAreIgnored"}},
	{"uploads without a token", []string{"api TestEveryRouteWantsAToken", "api TestCapabilitiesAreForOneMethodPathAndTime"}},
	{"what parsers make of any bytes", []string{"api FuzzRange", "logplex FuzzFrames", "logplex FuzzParseInput", ". FuzzAppJSON", "router FuzzHead"}},
}

var part = regexp.MustCompile(`^(\S+) "(.+)"$`)

func TestEachKindOfBadInputHasATest(t *testing.T) {
	source := map[string]string{} // of a folder's tests
	in := func(dir, text string) bool {
		if source[dir] == "" {
			files, err := filepath.Glob(filepath.Join(dir, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				data, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(f, "_test.go") || dir == "store/storetest" {
					source[dir] += string(data)
				}
			}
		}
		return strings.Contains(source[dir], text)
	}
	for _, b := range badInput {
		for _, test := range b.tests {
			dir, name, _ := strings.Cut(test, " ")
			var found bool
			switch m := part.FindStringSubmatch(test); {
			case m != nil:
				found = in(m[1], `{"`+m[2]+`", test`)
			case strings.HasSuffix(test, ".txtar"), strings.HasSuffix(test, ".go"):
				_, err := os.Stat(strings.ReplaceAll(test, " ", "/"))
				found = err == nil
			default:
				found = in(dir, "\nfunc "+name+"(")
			}
			if !found {
				t.Errorf("%s: there is no test %q", b.what, test)
			}
		}
		if len(b.tests) == 0 {
			t.Errorf("%s: no test", b.what)
		}
	}
}
