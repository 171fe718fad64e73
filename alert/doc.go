// Package alert watches apps' metrics and tells people when one is above its
// threshold, while it stays so, and when it no longer is.
//
// It owns the state column of the store's alerts. It promises that an alert neither
// flaps (it must be above for a while to fire, and clearly below for as long to be
// over) nor is forgotten: what has to be told is in the same transaction as the
// state that asks for it, and is tried again until somebody has it, also by the
// next process. A message can come twice, then with the same id.
//
// Start reading at machine.go, the pure part; then loop.go, and notify.go for the
// ways out.
package alert
