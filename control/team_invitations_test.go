package control_test

import (
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// Who invites somebody again and again has a letter sent every ten minutes, and is told when none is.
func TestAnInvitationIsMailedAgainAfterTenMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	x := newSite(t, storetest.Open(t, "sqlite:"+storetest.File(t, t.TempDir()), store.Options{Now: func() time.Time { return now }}))
	x.Mail = true
	bob := x.other()
	team := must(x.CreateTeam(x.ctx, x.actor, "crew"))(t)
	letters := func() int {
		return len(read(x, func(tx *store.Tx) ([]kigo.Letter, error) { return tx.LettersBefore(now.Add(24*time.Hour), 100) }))
	}
	for i, c := range []struct {
		again bool
		all   int
	}{{false, 1}, {true, 1}, {false, 2}, {true, 2}, {false, 3}} {
		in := must(x.Invite(x.ctx, x.actor, team.ID, bob.Email, "member"))(t)
		if in.Again != c.again || letters() != c.all {
			t.Errorf("invitation %d: again %t, %d letters", i, in.Again, letters())
		}
		now = now.Add(9 * time.Minute)
	}
}
