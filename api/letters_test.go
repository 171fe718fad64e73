package api_test

import (
	"strings"
	"testing"
)

func TestWhoInvitesAgainIsToldThatNoOtherLetterGoesOut(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.control.Mail = true
	s.second("bob@example.com", "global")
	must(t, s.Do(ctx, "POST", "/teams", map[string]any{"name": "crew"}, nil))
	var told []string
	s.OnWarning = func(text string) { told = append(told, text) }
	for range 2 {
		must(t, s.Do(ctx, "PUT", "/teams/crew/invitations", map[string]any{"email": "bob@example.com", "role": "member"}, nil))
	}
	if len(told) != 1 || !strings.Contains(told[0], "bob@example.com was mailed an invitation to crew less than ten minutes ago") {
		t.Errorf("told %q", told)
	}
}
