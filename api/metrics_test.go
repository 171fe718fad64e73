package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/metrics"
)

// did adds something to an app's history.
func (s *server) did(app string) {
	s.t.Helper()
	p := &metrics.Point{Requests: metrics.Requests{Count: 100, Status: [6]int64{2: 90, 5: 10}, Codes: map[string]int64{"H12": 7, "H13": 3}, In: 5, Out: 2000}}
	for i := range 100 {
		p.Requests.Service.Add(time.Duration(i+1) * time.Millisecond)
		p.Requests.Connect.Add(time.Millisecond)
	}
	web := p.Of("web")
	web.Dynos, web.Quota, web.Restarts, web.Errors = 2, 512<<20, 1, map[string]int64{"R14": 4}
	web.Memory.Add(100 << 20)
	web.Memory.Add(300 << 20)
	web.Load.Add(0.5)
	must(s.t, s.history.Add(s.t.Context(), time.Now(), map[kigo.AppID]*metrics.Point{kigo.AppID(app): p}, nil))
}

func (s *server) metric(path string) (data map[string][]*float64) {
	s.t.Helper()
	var out struct {
		Data map[string][]*float64 `json:"data"`
	}
	must(s.t, s.Do(s.t.Context(), "GET", path, nil, &out))
	return out.Data
}

func last(values []*float64) float64 {
	for _, v := range slices.Backward(values) {
		if v != nil && *v != 0 {
			return *v
		}
	}
	return 0
}

func TestMetricsAreServedAsHerokusCommandsReadThem(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	app := s.app("myapp")
	s.did(app.ID)
	end := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	start := time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339Nano)
	query := "?start_time=" + start + "&end_time=" + end + "&step=1h&process_type=web"
	for path, want := range map[string]map[string]float64{
		"/apps/myapp/router-metrics/errors":                {"H12": 7, "H13": 3},
		"/apps/myapp/router-metrics/status":                {"2xx": 90, "5xx": 10},
		"/apps/myapp/router-metrics/requests":              {"requests": 100},
		"/apps/myapp/router-metrics/bytes":                 {"bytes.in": 5, "bytes.out": 2000},
		"/apps/myapp/formation/web/metrics/errors":         {"R14": 4},
		"/apps/myapp/formation/web/metrics/memory":         {"memory.total.mean": 200 << 20, "memory.total.max": 300 << 20, "memory.quota": 512 << 20},
		"/apps/myapp/formation/web/metrics/load":           {"load.max": 0.5},
		"/apps/myapp/formation/web/metrics/restarts":       {"restarts": 1},
		"/apps/" + app.ID + "/formation/web/metrics/dynos": {"dynos": 2},
	} {
		data := s.metric(path + query)
		for name, value := range want {
			if n := len(data[name]); last(data[name]) != value || n < 24 || n > 26 {
				t.Errorf("%s: %s has %d points, last %v, want %v", path, name, n, last(data[name]), value)
			}
		}
		if strings.HasSuffix(path, "errors") && len(data) != len(want) {
			t.Errorf("%s: %v", path, data)
		}
	}
	latency := s.metric("/apps/myapp/router-metrics/latency" + query)
	if p50, p95, p99 := last(latency["latency.ms.p50"]), last(latency["latency.ms.p95"]), last(latency["latency.ms.p99"]); p50 < 45 || p50 > 56 || p95 < 88 || p95 > 104 || p99 < p95 {
		t.Errorf("latency p50 %v p95 %v p99 %v", p50, p95, p99)
	}
	sum, err := s.MetricsSummary(t.Context(), "myapp", time.Now().Add(-time.Hour))
	must(t, err)
	if sum.Requests != 100 || sum.Status["5xx"] != 10 || sum.Processes["web"].MemoryMax != 300<<20 || sum.Errors["H13"] != 3 || sum.Service.P95 < 88 {
		t.Errorf("in sum %+v", sum)
	}
}

func TestBadQuestionsAboutMetricsAreToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.did(s.app("myapp").ID)
	for path, want := range map[string]string{
		"/router-metrics/errors?start_time=yesterday":                                                  `start_time \"yesterday\" is no time`,
		"/router-metrics/errors?end_time=1":                                                            `end_time \"1\" is no time`,
		"/router-metrics/errors?step=1s":                                                               `step \"1s\" is none`,
		"/router-metrics/errors?step=90s":                                                              `step \"90s\" is none`,
		"/router-metrics/errors?start_time=2026-11-22T12:00:00Z&end_time=2026-11-22T12:00:00Z":         "is not before end_time",
		"/router-metrics/errors?start_time=2026-01-22T12:00:00Z&end_time=2026-11-22T12:00:00Z":         "metrics are kept for 7 days",
		"/router-metrics/errors?start_time=2026-11-16T12:00:00Z&end_time=2026-11-22T12:00:00Z&step=1m": "choose a longer step",
		"/router-metrics/weather":                                                                      `no metric \"weather\" of the router`,
		"/formation/web/metrics/weather":                                                               `no metric \"weather\" of dynos`,
		"/formation/release/metrics/errors":                                                            "invalid process_type provided (valid options are: web)",
	} {
		resp, body := s.raw("GET", "/apps/myapp"+path, s.token, nil, nil)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestPrometheusScrapesWithAToken(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	app := s.app("myapp")
	s.did(app.ID)
	stranger := s.second("other@example.com", "global")
	narrow := s.scoped("identity")
	scrape := func(path, token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.srv.URL+path, nil)
		must(t, err)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := s.srv.Client().Do(r)
		must(t, err)
		defer resp.Body.Close()
		var b strings.Builder
		buf := make([]byte, 64<<10)
		for {
			n, err := resp.Body.Read(buf)
			b.Write(buf[:n])
			if err != nil {
				return resp.StatusCode, b.String()
			}
		}
	}
	for _, path := range []string{"/apps/myapp/metrics/prometheus", "/kigo/metrics"} {
		status, text := scrape(path, s.token)
		for _, want := range []string{
			`kigo_app_requests_total{app="myapp",status="5xx"} 10`, `kigo_app_router_errors_total{app="myapp",code="H12"} 7`,
			`kigo_app_service_seconds_bucket{app="myapp",le="0.05"} `, `kigo_app_service_seconds_count{app="myapp"} 100`,
			`kigo_app_memory_bytes{app="myapp",process="web"} 4.194304e+08`, `kigo_app_dyno_errors_total{app="myapp",code="R14",process="web"} 4`,
		} {
			if status != http.StatusOK || !strings.Contains(text, want) {
				t.Errorf("%s: %d lacks %s:\n%s", path, status, want, text)
			}
		}
		if ours := strings.Contains(text, "go_goroutines"); ours != (path == "/kigo/metrics") {
			t.Errorf("%s tells of the platform: %v", path, ours)
		}
	}
	for _, c := range []struct {
		path, token string
		status      int
	}{
		{"/kigo/metrics", "", 401}, {"/kigo/metrics", "wrong", 401}, {"/kigo/metrics", stranger, 403}, {"/kigo/metrics", narrow, 403},
		{"/apps/myapp/metrics/prometheus", "", 401}, {"/apps/myapp/metrics/prometheus", stranger, 404}, {"/apps/myapp/metrics/prometheus", narrow, 403},
		{"/apps/nothing/metrics/prometheus", s.token, 404},
	} {
		status, text := scrape(c.path, c.token)
		var e struct{ ID string }
		if status != c.status || json.Unmarshal([]byte(text), &e) != nil || e.ID == "" {
			t.Errorf("%s: %d %s, want %d", c.path, status, text, c.status)
		}
	}
}
