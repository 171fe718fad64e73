package mail_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
)

// mailed is the token of the newest letter with that command.
func (s *site) mailed(command string) string {
	s.Helper()
	s.must(s.loop.Deliver(s.Context()))
	all := s.letters()
	for _, l := range slices.Backward(all) {
		if l = strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(l); strings.Contains(l, command+" ") {
			return s.token(l, command)
		}
	}
	s.Fatalf("no letter with %s: %q", command, all)
	return ""
}

// TestWhoHadAnAccountOnceKeepsNoTokenOfIt: the one who took it over asks for an address of
// their own; then its owner takes it back.
func TestWhoHadAnAccountOnceKeepsNoTokenOfIt(t *testing.T) {
	for name, takeBack := range map[string]func(*site) error{
		"by a reset that was mailed": func(s *site) error {
			if err := s.AskReset(s.Context(), "here", "bob@example.com"); err != nil {
				return err
			}
			_, err := s.FinishReset(s.Context(), "here", s.mailed("kigo password:reset"), "another password")
			return err
		},
		"by an operator": func(s *site) error {
			_, _, err := s.ResetLogin(s.Context(), s.operator, "bob@example.com", false)
			return err
		},
		"by another password": func(s *site) error {
			return s.ChangePassword(s.Context(), s.bob, password, "another password")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.must(s.AskEmail(t.Context(), s.bob, "mallory@example.com", password))
			token := s.mailed("kigo email:confirm")
			s.must(takeBack(s))
			if _, err := s.FinishEmail(t.Context(), "there", token); !errors.Is(err, kigo.ErrNotFound) {
				t.Errorf("the address was changed still: %v", err)
			}
			if a, err := s.ConfirmEmail(t.Context(), s.operator, "bob@example.com"); !errors.Is(err, kigo.ErrInvalid) {
				t.Errorf("an operator confirmed %s: %v", a.Email, err)
			}
		})
	}
}

func TestAResetThatWasAskedForBeforeCountsNoMore(t *testing.T) {
	for name, change := range map[string]func(*site) error{
		"than another password": func(s *site) error { return s.ChangePassword(s.Context(), s.bob, password, "another password") },
		"than another address": func(s *site) error {
			if err := s.AskEmail(s.Context(), s.bob, "robert@example.com", password); err != nil {
				return err
			}
			_, err := s.FinishEmail(s.Context(), "here", s.mailed("kigo email:confirm"))
			return err
		},
		"than an address that an operator confirmed": func(s *site) error {
			if err := s.AskEmail(s.Context(), s.bob, "robert@example.com", password); err != nil {
				return err
			}
			_, err := s.ConfirmEmail(s.Context(), s.operator, "bob@example.com")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.must(s.AskReset(t.Context(), "there", "bob@example.com"))
			token := s.mailed("kigo password:reset")
			s.must(change(s))
			if _, err := s.FinishReset(t.Context(), "there", token, "a third password"); !errors.Is(err, kigo.ErrNotFound) {
				t.Errorf("the password was set by a token from before: %v", err)
			}
		})
	}
}

func TestACodeFromBeforeAResetIsWorthNothing(t *testing.T) {
	s := newSite(t)
	ctx, name, uri := t.Context(), "tool", "https://tool.example.com/"
	tool, err := s.CreateOAuthClient(ctx, s.operator, control.OAuthClientChange{Name: &name, RedirectURI: &uri})
	s.must(err)
	var codes []string
	for range 2 {
		_, _, code, err := s.Grant(ctx, s.bob, control.NewGrant{Client: tool.ID})
		s.must(err)
		codes = append(codes, code)
	}
	_, err = s.ExchangeCode(ctx, "here", tool.Secret, codes[0], "")
	s.must(err)
	s.must(s.AskReset(ctx, "here", "bob@example.com"))
	_, err = s.FinishReset(ctx, "here", s.mailed("kigo password:reset"), "another password")
	s.must(err)
	if got, err := s.ExchangeCode(ctx, "there", tool.Secret, codes[1], ""); !errors.Is(err, &kigo.Error{ID: kigo.IDUnauthorized}) {
		t.Errorf("a token was made of it: %q, %v", got.TokenHint, err)
	}
}
