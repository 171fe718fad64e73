package control

import (
	"context"

	"github.com/kigo-dev/kigo"
)

// NewSlug is a slug whose archive will be uploaded.
type NewSlug struct {
	ProcessTypes                                        map[string]string
	Stack, Commit, CommitDescription, BuildpackProvided string
}

// CreateSlug announces a slug; it can be released once FinishSlug was called.
func (c *Control) CreateSlug(ctx context.Context, a Actor, id kigo.AppID, n NewSlug) (s kigo.Slug, err error) {
	stack := n.Stack
	if stack != "" {
		if stack, err = c.stack(stack); err != nil {
			return s, err
		}
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		if stack == "" {
			stack = app.BuildStack
		}
		s = kigo.Slug{
			App: id, Stack: stack, Commit: n.Commit, CommitDescription: n.CommitDescription,
			BuildpackProvided: n.BuildpackProvided, ProcessTypes: n.ProcessTypes,
		}
		if err := checkSlug(s); err != nil {
			return err
		}
		return tx.CreateSlug(&s)
	})
	return s, err
}

// FinishSlug writes down the image that was made of an uploaded slug.
func (c *Control) FinishSlug(ctx context.Context, id kigo.SlugID, digest string, size, imageSize int64) (s kigo.Slug, err error) {
	err = c.update(ctx, Actor{}, func(tx *change) error {
		if s, err = tx.Slug(id); err != nil {
			return err
		}
		s.Digest, s.Size, s.ImageSize = digest, size, imageSize
		if err := checkSlug(s); err != nil {
			return err
		}
		return tx.UpdateSlug(&s)
	})
	return s, err
}

// checkSlug refuses what no slug may be.
func checkSlug(s kigo.Slug) error {
	if s.Size > kigo.SlugHardLimit {
		return kigo.Invalid("Compiled slug size: %dM is too large (max is %dM).", s.Size>>20, kigo.SlugHardLimit>>20)
	}
	if len(s.ProcessTypes) > kigo.MaxProcessTypes {
		return kigo.Invalid("Too many process types: %d, the maximum is %d", len(s.ProcessTypes), kigo.MaxProcessTypes)
	}
	for typ, command := range s.ProcessTypes {
		if !kigo.ValidProcessType(typ) {
			return kigo.Invalid("%q is not a process type: use letters, digits, dashes and underscores, at most 63", typ)
		}
		if command == "" {
			return kigo.Invalid("Process type %s has no command", typ)
		}
		if err := checkText("The command of process type "+typ, command, kigo.MaxCommand); err != nil {
			return err
		}
	}
	for field, text := range map[string]string{"Commit": s.Commit, "Commit description": s.CommitDescription, "Buildpack description": s.BuildpackProvided} {
		if err := checkText(field, text, maxSource); err != nil {
			return err
		}
	}
	return nil
}
