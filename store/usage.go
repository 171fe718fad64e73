package store

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// Uptime is a moment by the clock of the machine since it was started.
type Uptime struct {
	Boot  string // which start of the machine
	Since time.Duration
}

// machineUptime is what the kernel tells. Its clock goes on while the machine sleeps and
// does not follow changes of the time.
func machineUptime() Uptime {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // never fails on Linux
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return Uptime{strings.TrimSpace(string(id)), time.Duration(t.Nano())}
}

// longestBoot bounds what is counted of a dyno's time before it was up.
const longestBoot = 2 * time.Minute

// meter opens or closes the interval of a dyno that has changed, in the transaction of
// the change: killing the program loses and doubles nothing.
func (tx *Tx) meter(d kigo.Dyno) error {
	if d.State != kigo.DynoUp || d.Inside != "" {
		return tx.closeUsage(d.ID)
	}
	began := tx.uptime()
	if !d.StartedAt.IsZero() {
		began.Since -= min(max(tx.now.Sub(d.StartedAt), 0), longestBoot)
	}
	return tx.exec("open usage", `INSERT INTO usage_open (dyno_id, app_id, owner_id, type, size, boot, since)
		VALUES ($1, $2, COALESCE((SELECT owner_id FROM apps WHERE id = $2), ''), $3, $4, $5, $6) ON CONFLICT (dyno_id) DO NOTHING`, string(d.ID), string(d.App), d.Type, d.Size, began.Boot, began.Since.Microseconds())
}

type openUsage struct {
	dyno, app, owner, typ, size, boot string
	since                             int64
}

const openColumns = "dyno_id, app_id, owner_id, type, size, boot, since"

func scanOpen(_ *Tx, row scanner) (u openUsage, err error) {
	return u, row.Scan(&u.dyno, &u.app, &u.owner, &u.typ, &u.size, &u.boot, &u.since)
}

func (tx *Tx) closeUsage(id kigo.DynoID) error {
	open, err := list(tx, "usage", scanOpen, "DELETE FROM usage_open WHERE dyno_id = $1 RETURNING "+openColumns, string(id))
	for _, u := range open {
		if err == nil {
			err = tx.count(u)
		}
	}
	return err
}

// part is what of an interval lies in one day.
type part struct {
	day  time.Time // its beginning, in UTC
	used time.Duration
}

// parts are the days that an interval lies in which ends now, the newest first. Of one that
// began before the machine was started again nothing more is known.
func (tx *Tx) parts(u openUsage) (out []part) {
	now := tx.uptime()
	left := now.Since - time.Duration(u.since)*time.Microsecond
	if u.boot != now.Boot {
		return nil
	}
	for end := tx.now; left > 0; {
		last := end.Add(-time.Microsecond)
		day := time.Date(last.Year(), last.Month(), last.Day(), 0, 0, 0, 0, time.UTC)
		used := min(left, end.Sub(day))
		out = append(out, part{day, used})
		left, end = left-used, day
	}
	return out
}

// count adds an interval that ends now to the sums of the days and months that it lies in.
func (tx *Tx) count(u openUsage) error {
	for _, p := range tx.parts(u) {
		if err := errors.Join(tx.addUsage("usage", "month", u, kigo.Month(p.day), p.used), tx.addUsage("usage_days", "day", u, kigo.Day(p.day), p.used)); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) addUsage(table, period string, u openUsage, of string, d time.Duration) error {
	return tx.exec("add usage", fmt.Sprintf(`INSERT INTO %[1]s (app_id, %[2]s, type, size, owner_id, app_name, used)
		VALUES ($1, $2, $3, $4, $5, COALESCE((SELECT name FROM apps WHERE id = $1), ''), $6)
		ON CONFLICT (app_id, %[2]s, type, size, owner_id) DO UPDATE SET used = %[1]s.used + excluded.used,
			app_name = CASE WHEN excluded.app_name = '' THEN %[1]s.app_name ELSE excluded.app_name END`, table, period),
		u.app, of, u.typ, u.size, u.owner, d.Microseconds())
}

// handOverUsage counts what an app's dynos have used up to now for who owned the app, and
// from now on for who does. What was used before a transfer stays the former owner's.
func (tx *Tx) handOverUsage(app kigo.AppID, to kigo.AccountID) error {
	open, err := list(tx, "usage", scanOpen, "SELECT "+openColumns+" FROM usage_open WHERE app_id = $1 ORDER BY dyno_id", string(app))
	if err != nil {
		return err
	}
	for _, u := range open {
		if err := tx.count(u); err != nil {
			return err
		}
	}
	now := tx.uptime()
	return tx.exec("hand over usage", "UPDATE usage_open SET owner_id = $2, boot = $3, since = $4 WHERE app_id = $1",
		string(app), string(to), now.Boot, now.Since.Microseconds())
}

// How many months sums by month are kept, and those by day.
const (
	usageMonths = 36
	usageDays   = 13 // months
)

// CheckpointUsage adds what dynos that run have used so far to the sums, so that a
// machine that fails loses no more than the time since the last call. It closes the intervals
// of dynos that are no more, and forgets sums that are years old.
func (tx *Tx) CheckpointUsage() error {
	all, err := list(tx, "usage", scanOpen, "SELECT "+openColumns+" FROM usage_open ORDER BY dyno_id")
	if err != nil {
		return err
	}
	for _, u := range all {
		if err := tx.count(u); err != nil {
			return err
		}
	}
	now := tx.uptime()
	if err := tx.exec("checkpoint usage", "UPDATE usage_open SET boot = $1, since = $2", now.Boot, now.Since.Microseconds()); err != nil {
		return err
	}
	if err := tx.exec("close usage", "DELETE FROM usage_open WHERE dyno_id NOT IN (SELECT id FROM dynos WHERE state = 'up')"); err != nil {
		return err
	}
	first := func(months int) time.Time {
		return time.Date(tx.now.Year(), tx.now.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	}
	return errors.Join(tx.exec("forget usage", "DELETE FROM usage WHERE month < $1", kigo.Month(first(usageMonths))),
		tx.exec("forget usage", "DELETE FROM usage_days WHERE day < $1", kigo.Day(first(usageDays))))
}

// Usage returns what apps used while they were an owner's, in a month ("2026-11"; empty: every
// month that is kept), up to this moment, the newest month first.
func (tx *Tx) Usage(owner kigo.AccountID, of string) ([]kigo.Usage, error) {
	if of == "" {
		return tx.usage(owner, "usage", "month", "", "9")
	}
	return tx.usage(owner, "usage", "month", of, of)
}

// UsageByMonth and UsageByDay return what apps used while they were an owner's, from one
// month or day to another, both included, up to this moment.
func (tx *Tx) UsageByMonth(owner kigo.AccountID, from, to string) ([]kigo.Usage, error) {
	return tx.usage(owner, "usage", "month", from, to)
}

// UsageByDay is described at UsageByMonth.
func (tx *Tx) UsageByDay(owner kigo.AccountID, from, to string) ([]kigo.Usage, error) {
	return tx.usage(owner, "usage_days", "day", from, to)
}

func (tx *Tx) usage(owner kigo.AccountID, table, period, from, to string) ([]kigo.Usage, error) {
	scan := func(_ *Tx, row scanner) (u kigo.Usage, err error) {
		var used int64
		err = row.Scan(&u.App, &u.AppName, &u.Period, &u.Type, &u.Size, &used)
		u.Used = time.Duration(used) * time.Microsecond
		return u, err
	}
	all, err := list(tx, "usage", scan, fmt.Sprintf(`SELECT app_id, app_name, %[2]s, type, size, used FROM %[1]s
		WHERE owner_id = $1 AND %[2]s BETWEEN $2 AND $3`, table, period), string(owner), from, to)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	name := kigo.Month
	if period == "day" {
		name = kigo.Day
	}
	return tx.addOpen(all, owner, from, to, name)
}

// addOpen adds what the intervals that are still open make up to now, which is not yet in
// the sums, and sorts: the newest first, then by app.
func (tx *Tx) addOpen(all []kigo.Usage, owner kigo.AccountID, from, to string, name func(time.Time) string) ([]kigo.Usage, error) {
	type running struct {
		openUsage
		name string // of the app
	}
	scan := func(_ *Tx, row scanner) (r running, err error) {
		u := &r.openUsage
		return r, row.Scan(&u.dyno, &u.app, &u.owner, &u.typ, &u.size, &u.boot, &u.since, &r.name)
	}
	open, err := list(tx, "usage", scan, `SELECT o.dyno_id, o.app_id, o.owner_id, o.type, o.size, o.boot, o.since, a.name
		FROM usage_open o JOIN apps a ON a.id = o.app_id WHERE o.owner_id = $1`, string(owner))
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	type key struct {
		app               kigo.AppID
		period, typ, size string
	}
	at := map[key]int{}
	for i, u := range all {
		at[key{u.App, u.Period, u.Type, u.Size}] = i
	}
	for _, r := range open {
		for _, p := range tx.parts(r.openUsage) {
			period := name(p.day)
			if period < from || period > to {
				continue
			}
			k := key{kigo.AppID(r.app), period, r.typ, r.size}
			i, seen := at[k]
			if !seen {
				i = len(all)
				at[k] = i
				all = append(all, kigo.Usage{App: k.app, AppName: r.name, Period: period, Type: r.typ, Size: r.size})
			}
			all[i].Used += p.used
		}
	}
	slices.SortFunc(all, func(a, b kigo.Usage) int {
		return cmp.Or(cmp.Compare(b.Period, a.Period), cmp.Compare(a.AppName, b.AppName), cmp.Compare(a.App, b.App), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Size, b.Size))
	})
	return all, nil
}
