package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRangesOfEveryClientAreUnderstood(t *testing.T) {
	plain := span{Max: pageDefault}
	for header, want := range map[string]span{
		"":                                    plain,
		" ":                                   plain,
		"bytes=0-":                            plain,
		"id ..":                               {Field: "id", Max: 200},
		"id":                                  {Field: "id", Max: 200},
		"..":                                  plain,
		"id ..; max=10;":                      {Field: "id", Max: 10},
		"id ..; max=1000;":                    {Field: "id", Max: 1000},
		"id ..; max=5000":                     {Field: "id", Max: 1000},
		"version ..; max=1, order=desc":       {Field: "version", Max: 1, Desc: true},
		"version ..; order=desc,max=1":        {Field: "version", Max: 1, Desc: true},
		"version ..; max=1,order=desc":        {Field: "version", Max: 1, Desc: true},
		"version ..; order=desc; max=1":       {Field: "version", Max: 1, Desc: true},
		"version ..;order=asc":                {Field: "version", Max: 200},
		"seq ..; order=desc,max=1000":         {Field: "seq", Max: 1000, Desc: true},
		"created_at ..; max=15, order=desc":   {Field: "created_at", Max: 15, Desc: true},
		"..; max=5":                           {Max: 5},
		"max=5":                               {Max: 5},
		"order=desc, max=5":                   {Max: 5, Desc: true},
		"id a..b":                             {Field: "id", First: "a", Last: "b", Max: 200},
		"id a..":                              {Field: "id", First: "a", Max: 200},
		"id ..b":                              {Field: "id", Last: "b", Max: 200},
		"id ]a..b[; max=2":                    {Field: "id", First: "a", AfterFirst: true, Last: "b", BeforeLast: true, Max: 2},
		"id [a..b]":                           {Field: "id", First: "a", Last: "b", Max: 200},
		"]a..":                                {First: "a", AfterFirst: true, Max: 200},
		"version ]10..; max=10, order=desc":   {Field: "version", First: "10", AfterFirst: true, Max: 10, Desc: true},
		"updated_at 2026-01-01T00:00:00Z..":   {Field: "updated_at", First: "2026-01-01T00:00:00Z", Max: 200},
		"  id   a .. b ; max = 7 , order=asc": {Field: "id", First: "a", Last: "b", Max: 7},
	} {
		got, err := parseRange(header)
		if err != nil {
			t.Errorf("%q: %v", header, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", header, d)
		}
	}
}

func TestBadRangesAreRefused(t *testing.T) {
	for _, header := range []string{
		"id ..; max=0", "id ..; max=-1", "id ..; max=many", "id ..; order=down", "id ..; offset=3", "id a", "id a..b..c",
		"id a b..c", "[id ..", "id ..; max", "id ]]a..", "id a..b[[",
	} {
		if got, err := parseRange(header); err == nil {
			t.Errorf("%q was taken for %+v", header, got)
		} else if !strings.HasPrefix(err.Error(), "Range header: ") {
			t.Errorf("%q: %v", header, err)
		}
	}
}

// What a server tells as Next-Range must mean the same when it comes back.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{"", "id ..; max=10;", "version ]3..; order=desc,max=1", "max=5", "id a..b[", "bytes=0-9", ";;,,", "a ..;="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		s, err := parseRange(header)
		if err != nil {
			return
		}
		if s.Max < 1 || s.Max > pageMax {
			t.Fatalf("%q: max %d", header, s.Max)
		}
		again, err := parseRange(s.String())
		if err != nil {
			t.Fatalf("%q became %q, which is refused: %v", header, s.String(), err)
		}
		if d := cmp.Diff(s, again); d != "" {
			t.Fatalf("%q became %q (-first +second):\n%s", header, s.String(), d)
		}
	})
}
