package mail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
)

func (s *site) invite(team, email string) control.Invited {
	s.Helper()
	t, err := s.Team(s.Context(), s.operator, kigo.PermissionView, team)
	if errors.Is(err, kigo.ErrNotFound) {
		t, err = s.CreateTeam(s.Context(), s.operator, team)
	}
	s.must(err)
	i, err := s.Invite(s.Context(), s.operator, t.ID, email, "member")
	s.must(err)
	return i
}

func TestInvitationsToOneAddressGoOutTenMinutesApart(t *testing.T) {
	s := newSite(t)
	if s.invite("acme", "bob@example.com").Again {
		t.Error("the first is said to be another")
	}
	s.letter(1, "bob@example.com")
	if !s.invite("acme", "BOB@example.com").Again { // by who knows of the first anyway
		t.Error("the second is not said to be one")
	}
	s.must(s.RevokeInvitation(t.Context(), s.operator, s.invite("acme", "bob@example.com")))
	s.invite("acme", "bob@example.com") // taken back and made anew
	for i := range 20 {
		if s.invite(fmt.Sprintf("team-%d", i), "bob@example.com").Again {
			t.Error("who invites is told of other teams' invitations")
		}
	}
	s.letter(1, "bob@example.com")
	queue := s.waiting(24 * time.Hour)
	for i, l := range queue {
		if apart := time.Duration(i+1) * 10 * time.Minute; l.NextAt.Sub(queue[0].NextAt) < apart-10*time.Minute || time.Until(l.NextAt) < apart-time.Minute {
			t.Errorf("letter %d goes out at %s", i, l.NextAt)
		}
	}
	if len(queue) != 6 { // within the hour
		t.Errorf("%d letters wait", len(queue))
	}
	all, err := s.Invitations(t.Context(), s.bob, "")
	s.must(err)
	if len(all) != 21 {
		t.Errorf("%d invitations", len(all))
	}
}

func TestAnotherAddressIsAskedForOnceInTenMinutes(t *testing.T) {
	s := newSite(t)
	carol, _, err := s.CreateAccount(t.Context(), s.operator, control.NewAccount{Email: "carol@example.com", Password: password})
	s.must(err)
	s.must(s.AskEmail(t.Context(), s.bob, "victim@example.com", password))
	s.must(s.ChangePassword(t.Context(), s.bob, password, password))
	err = s.AskEmail(t.Context(), s.bob, "victim@example.com", password)
	if !errors.Is(err, kigo.ErrInvalid) || !strings.Contains(err.Error(), "less than ten minutes ago: confirm that one, or ask again after ") {
		t.Errorf("asked twice: %v", err)
	}
	s.must(s.AskEmail(t.Context(), control.Actor{ID: carol.ID, Email: carol.Email}, "Victim@example.com", password)) // and is told nothing of it
	s.must(s.loop.Deliver(t.Context()))
	n := 0
	for _, l := range s.letters() {
		if strings.Contains(strings.ToLower(l), "<victim@example.com>") {
			n++
		}
	}
	if w := s.waiting(11 * time.Minute); n != 1 || len(w) != 1 || w[0].To != "Victim@example.com" {
		t.Errorf("%d letters to who may not want them, and %+v wait", n, w)
	}
}
