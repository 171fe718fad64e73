// Package formation decides which dynos an app should have and writes the rows
// that say so. Plan is the pure part; Loop reads an app's formation, current
// release and dynos, and carries a plan out in one transaction. It owns which
// dyno rows exist; what their processes do is the dyno loop's. Start reading at Plan.
package formation
