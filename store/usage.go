package store

import (
	"fmt"
	"os"
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
	return tx.exec("open usage", `INSERT INTO usage_open (dyno_id, app_id, type, size, boot, since) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (dyno_id) DO NOTHING`, string(d.ID), string(d.App), d.Type, d.Size, began.Boot, began.Since.Microseconds())
}

type openUsage struct {
	dyno, app, typ, size, boot string
	since                      int64
}

const openColumns = "dyno_id, app_id, type, size, boot, since"

func scanOpen(_ *Tx, row scanner) (u openUsage, err error) {
	return u, row.Scan(&u.dyno, &u.app, &u.typ, &u.size, &u.boot, &u.since)
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

// count adds an interval that ends now to the sums of the months that it lies in. Of one
// that began before the machine was started again nothing more is known.
func (tx *Tx) count(u openUsage) error {
	now := tx.uptime()
	left := now.Since - time.Duration(u.since)*time.Microsecond
	if u.boot != now.Boot {
		return nil
	}
	for end := tx.now; left > 0; {
		first := time.Date(end.Year(), end.Month(), 1, 0, 0, 0, 0, time.UTC)
		part := min(left, end.Sub(first))
		if part > 0 {
			if err := tx.addUsage(u, month(first), part); err != nil {
				return err
			}
		}
		left -= part
		end = first.Add(-time.Microsecond)
		if part == 0 {
			left -= time.Microsecond
		}
	}
	return nil
}

func month(t time.Time) string { return t.Format("2006-01") }

func (tx *Tx) addUsage(u openUsage, month string, d time.Duration) error {
	return tx.exec("add usage", `INSERT INTO usage (app_id, month, type, size, app_name, owner_id, used)
		VALUES ($1, $2, $3, $4, COALESCE((SELECT name FROM apps WHERE id = $1), ''), COALESCE((SELECT owner_id FROM apps WHERE id = $1), ''), $5)
		ON CONFLICT (app_id, month, type, size) DO UPDATE SET used = usage.used + excluded.used,
			app_name = CASE WHEN excluded.app_name = '' THEN usage.app_name ELSE excluded.app_name END,
			owner_id = CASE WHEN excluded.owner_id = '' THEN usage.owner_id ELSE excluded.owner_id END`,
		u.app, month, u.typ, u.size, d.Microseconds())
}

// usageMonths is how many months of sums are kept.
const usageMonths = 36

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
	first := time.Date(tx.now.Year(), tx.now.Month()-usageMonths, 1, 0, 0, 0, 0, time.UTC)
	return tx.exec("forget usage", "DELETE FROM usage WHERE month < $1", month(first))
}

// Usage returns what the apps of an owner used in a month ("2026-11"; empty: every
// month that is kept), up to this moment.
func (tx *Tx) Usage(owner kigo.AccountID, of string) ([]kigo.Usage, error) {
	scan := func(_ *Tx, row scanner) (u kigo.Usage, err error) {
		var used int64
		err = row.Scan(&u.App, &u.AppName, &u.Month, &u.Type, &u.Size, &used)
		u.Used = time.Duration(used) * time.Microsecond
		return u, err
	}
	all, err := list(tx, "usage", scan, `SELECT app_id, app_name, month, type, size, used FROM usage
		WHERE owner_id = $1 AND (month = $2 OR $2 = '') ORDER BY month DESC, app_name, app_id, type, size`, string(owner), of)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return all, nil
}
