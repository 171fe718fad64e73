package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestFailuresOfOursAreHiddenButLogged(t *testing.T) {
	for name, handle := range map[string]func(*call) (reply, error){
		"error": func(*call) (reply, error) { return reply{}, errors.New("secret detail") },
		"panic": func(*call) (reply, error) { panic("secret detail") },
		"body":  func(*call) (reply, error) { return ok(map[string]any{"secret detail": func() {}}), nil },
	} {
		var log bytes.Buffer
		s := &Server{Deps: Deps{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		w := httptest.NewRecorder()
		s.serve(route{access: open, handle: handle})(w, httptest.NewRequest(http.MethodGet, "/x", nil))
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusInternalServerError || p.ID != idInternal {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		id := w.Header().Get("Request-Id")
		if strings.Contains(w.Body.String(), "detail") || !strings.Contains(p.Message, id) {
			t.Errorf("%s: the answer is %s", name, w.Body)
		}
		if !strings.Contains(log.String(), id) || name != "body" && !strings.Contains(log.String(), "secret detail") {
			t.Errorf("%s: the log is %s", name, log.String())
		}
	}
}
