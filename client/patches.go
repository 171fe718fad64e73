package client

import (
	"context"
	"net/http"
)

// StackPatch is how far the apps of a stack are on the way to its newest image.
type StackPatch struct {
	Stack    string        `json:"stack"`
	Digest   string        `json:"digest"`
	Halted   bool          `json:"halted"` // too many apps returned: it waits for an operator
	Apps     int           `json:"apps"`
	On       int           `json:"on"`
	Moving   int           `json:"moving"`
	Waiting  int           `json:"waiting"`
	Returned []ReturnedApp `json:"returned"`
}

// ReturnedApp did not come up on the newest image and runs on the one before.
type ReturnedApp struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// StackPatches tells an operator how far each stack is.
func (c *Client) StackPatches(ctx context.Context) ([]StackPatch, error) {
	return get[[]StackPatch](ctx, c, "/kigo/stacks")
}

// PatchStack has the apps of a stack moved to its newest image now, also those that returned.
func (c *Client) PatchStack(ctx context.Context, stack string) error {
	return c.Do(ctx, http.MethodPost, path("kigo", "stacks", stack, "actions", "patch"), nil, nil)
}
