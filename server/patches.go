package server

import (
	"context"
	"maps"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/patch"
)

// stackPatches is what operators see and ask of the moves to new stack images.
type stackPatches struct{ *node }

// Status tells how far each stack is.
func (n stackPatches) Status(ctx context.Context) ([]client.StackPatch, error) {
	all, err := n.patches.Status(ctx)
	out := make([]client.StackPatch, 0, len(all))
	for _, s := range all {
		p := client.StackPatch{
			Stack: s.Stack, Digest: s.Base, Halted: s.Halted, Apps: s.Apps, Returned: []client.ReturnedApp{},
			On: s.Places[patch.On], Moving: s.Places[patch.Moving], Waiting: s.Places[patch.Waiting],
		}
		for _, name := range slices.Sorted(maps.Keys(s.Returned)) {
			p.Returned = append(p.Returned, client.ReturnedApp{Name: name, Why: s.Returned[name]})
		}
		out = append(out, p)
	}
	return out, err
}

// Again has a stack's apps moved now, also those that returned.
func (n stackPatches) Again(ctx context.Context, stack string) error {
	if !slices.Contains(n.patches.Stacks, stack) {
		return kigo.NotFound("stack")
	}
	return n.patches.Again(ctx, stack)
}
