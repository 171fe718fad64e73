package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
)

// MetricRow is what an app did in one step of time, in the words of who keeps it.
type MetricRow struct {
	App  kigo.AppID
	At   time.Time
	Data string
}

func scanMetric(_ *Tx, row scanner) (m MetricRow, err error) {
	err = row.Scan(&m.App, at{&m.At}, &m.Data)
	return m, err
}

// MetricPoints returns an app's rows of a step that begin at from or later and
// before to, in order.
func (tx *Tx) MetricPoints(app kigo.AppID, step time.Duration, from, to time.Time) ([]MetricRow, error) {
	return list(tx, "metric", scanMetric, "SELECT app_id, at, data FROM metric_points WHERE app_id = $1 AND step = $2 AND at >= $3 AND at < $4 ORDER BY at",
		string(app), seconds(step), micros(from), micros(to))
}

// MetricPoint returns the data of one row, empty when there is none.
func (tx *Tx) MetricPoint(app kigo.AppID, step time.Duration, start time.Time) (string, error) {
	rows, err := tx.MetricPoints(app, step, start, start.Add(time.Microsecond))
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0].Data, nil
}

// PutMetricPoint writes a row, unless the app is gone.
func (tx *Tx) PutMetricPoint(step time.Duration, m MetricRow) error {
	return tx.exec("write metric", `INSERT INTO metric_points (app_id, step, at, data)
		SELECT id, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS TEXT) FROM apps WHERE id = $1
		ON CONFLICT (app_id, step, at) DO UPDATE SET data = excluded.data`,
		string(m.App), seconds(step), micros(m.At), m.Data)
}

// PruneMetrics removes rows of a step that begin before from, or after to: a clock
// that was wrong wrote those.
func (tx *Tx) PruneMetrics(step time.Duration, from, to time.Time) error {
	return tx.exec("remove old metrics", "DELETE FROM metric_points WHERE step = $1 AND (at < $2 OR at > $3)", seconds(step), micros(from), micros(to))
}

// MetricSource is how far the counts of a source were added; known is false for one
// of which nothing was.
func (tx *Tx) MetricSource(name string) (seq int64, known bool, err error) {
	seq, err = one(tx, "metric source", func(_ *Tx, row scanner) (n int64, err error) {
		err = row.Scan(&n)
		return n, err
	}, "SELECT seq FROM metric_sources WHERE name = $1", name)
	if errors.Is(err, kigo.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read metric source: %w", err)
	}
	return seq, true, nil
}

// PutMetricSource writes that.
func (tx *Tx) PutMetricSource(name string, seq int64) error {
	return tx.exec("write metric source", `INSERT INTO metric_sources (name, seq, at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, at = excluded.at`, name, seq, micros(tx.now))
}

// PruneMetricSources forgets sources that were written before a time.
func (tx *Tx) PruneMetricSources(before time.Time) error {
	return tx.exec("remove old metric sources", "DELETE FROM metric_sources WHERE at < $1", micros(before))
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
