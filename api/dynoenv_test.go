package api

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheSizeOfATerminalMayBeNumbers(t *testing.T) {
	var env dynoEnv
	if err := json.Unmarshal([]byte(`{"TERM":"xterm","COLUMNS":111,"LINES":33,"NONE":null}`), &env); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dynoEnv{"TERM": "xterm", "COLUMNS": "111", "LINES": "33"}, env); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{`{"A":true}`, `{"A":{}}`, `["A"]`, `"A=1"`} {
		if err := json.Unmarshal([]byte(bad), &env); err == nil {
			t.Errorf("%s was taken as env", bad)
		}
	}
}
