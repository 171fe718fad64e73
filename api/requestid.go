package api

import (
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// maxRequestIDs bounds the ids that a client sends: Heroku's command line keeps a
// list of all it has seen, up to 7 KiB.
const maxRequestIDs = 7 << 10

// requestID gives the request an id and tells it, after the client's own ids, in
// the answer.
func requestID(w http.ResponseWriter, r *http.Request) string {
	id := uuid.NewString()
	all := id
	if sent := r.Header.Get("Request-Id"); sent != "" && len(sent) <= maxRequestIDs && printable(sent) {
		all = sent + "," + id
	}
	w.Header().Set("Request-Id", all)
	return id
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
}
