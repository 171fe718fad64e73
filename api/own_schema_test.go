package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kigo-dev/kigo/api"
)

// ownSchema is what GET /schema serves, which every answer in these tests is checked
// against as well.
var ownSchema = sync.OnceValues(func() (*hyperSchema, error) {
	data, err := json.Marshal(api.OwnSchema())
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	root := doc.(map[string]any)
	prepare(root)
	s := &hyperSchema{compiler: jsonschema.NewCompiler()}
	s.compiler.DefaultDraft(jsonschema.Draft4)
	s.compiler.AssertFormat()
	for i, l := range root["links"].([]any) {
		made := newLink("", i, l.(map[string]any))
		made.of = s
		if made.pointer != "" {
			made.pointer = "heroku.json#/links/" + jsonNumber(i) + "/targetSchema"
		}
		s.links = append(s.links, made)
	}
	return s, s.compiler.AddResource("heroku.json", doc)
})

func jsonNumber(i int) string {
	b, _ := json.Marshal(i)
	return string(b)
}

// checkOwn validates a success by our own schema.
func checkOwn(r *http.Request, status int, body []byte) error {
	s, err := ownSchema()
	if err != nil || status >= 300 || r.Method == http.MethodHead || r.Header.Get("X-Http-Method-Override") != "" {
		return err
	}
	l := s.find(r.Method, r.URL)
	if l == nil || l.pointer == "" {
		return nil
	}
	target, err := s.compiled(l)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return target.Validate(v)
}

func TestOurSchemaIsWhole(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	resp, body := s.raw("GET", "/schema", "", nil, nil)
	var doc struct {
		Definitions map[string]any
		Links       []struct{ Href, Method, Title, Scope string }
	}
	must(t, json.Unmarshal(body, &doc))
	if resp.StatusCode != http.StatusOK || len(doc.Links) != len(api.Routes()) || len(doc.Definitions) < 35 {
		t.Errorf("%d: %d links of %d routes, %d definitions", resp.StatusCode, len(doc.Links), len(api.Routes()), len(doc.Definitions))
	}
	own, err := ownSchema()
	must(t, err)
	shown := 0
	for _, l := range own.links {
		if l.pointer == "" {
			continue
		}
		shown++
		if _, err := own.compiled(l); err != nil {
			t.Errorf("%s %s: %v", l.method, l.href, err)
		}
	}
	if shown < 100 || strings.Contains(string(body), "func1") {
		t.Errorf("%d links have a shape", shown)
	}
}
