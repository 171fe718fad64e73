package kigo_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestAPoolCountsWhatRanOnSizesThatSleep(t *testing.T) {
	month := []kigo.Usage{
		{App: "a", Type: "web", Size: "Eco", Used: 600 * time.Hour},
		{App: "b", Type: "web", Size: "Basic", Used: 700 * time.Hour},
		{App: "a", Type: "worker", Size: "eco", Used: 300 * time.Hour},
		{App: "c", Type: "web", Size: "Eco", Used: 100 * time.Hour},
		{App: "d", Type: "web", Size: "Gone", Used: 50 * time.Hour}, // its operator took the size away
	}
	p := kigo.CountPool(1000*time.Hour, month)
	want := kigo.Pool{Quota: 1000 * time.Hour, Used: 1000 * time.Hour, Apps: []kigo.PoolShare{{App: "a", Used: 900 * time.Hour}, {App: "c", Used: 100 * time.Hour}}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if !p.Empty() {
		t.Error("it is not empty to the hour")
	}
	for name, c := range map[string]struct {
		quota time.Duration
		month []kigo.Usage
		dynos int
		empty bool
		lasts time.Duration
	}{
		"nothing used":       {10 * time.Minute, nil, 2, false, 5 * time.Minute},
		"for longer":         {1000 * time.Hour, nil, 2, false, time.Hour},
		"nobody uses it":     {time.Minute, nil, 0, false, time.Hour},
		"a bit too much":     {time.Hour, month, 3, true, 0},
		"no pool":            {0, month, 3, false, time.Hour},
		"half an hour short": {1000*time.Hour + 30*time.Minute, month, 1, false, 30 * time.Minute},
	} {
		p := kigo.CountPool(c.quota, c.month)
		if p.Empty() != c.empty || p.Lasts(c.dynos, time.Hour) != c.lasts {
			t.Errorf("%s: empty %t, lasts %s; want %t, %s", name, p.Empty(), p.Lasts(c.dynos, time.Hour), c.empty, c.lasts)
		}
	}
}
