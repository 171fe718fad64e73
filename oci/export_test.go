package oci

import "context"

// Update says whether golden files are to be rewritten.
var Update = update

// Repair is what happens every few seconds.
func (e *Engine) Repair(ctx context.Context) { e.repair(ctx) }
