package api

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// key is one field that a list may be sorted by.
type key[T any] struct {
	name    string
	text    func(T) string                    // the field's value as a Range header writes it
	compare func(a, b T) int                  // order of two items
	end     func(string) (func(T) int, error) // order of an item against a value from a header
}

func newKey[T, V any](name string, get func(T) V, format func(V) string, parse func(string) (V, error), compare func(a, b V) int) key[T] {
	return key[T]{
		name:    name,
		text:    func(v T) string { return format(get(v)) },
		compare: func(a, b T) int { return compare(get(a), get(b)) },
		end: func(text string) (func(T) int, error) {
			limit, err := parse(text)
			return func(v T) int { return compare(get(v), limit) }, err
		},
	}
}

func textKey[T any](name string, get func(T) string) key[T] {
	same := func(s string) string { return s }
	return newKey(name, get, same, func(s string) (string, error) { return s, nil }, cmp.Compare[string])
}

func numberKey[T any](name string, get func(T) int) key[T] {
	return newKey(name, get, strconv.Itoa, strconv.Atoi, cmp.Compare[int])
}

func timeKey[T any](name string, get func(T) time.Time) key[T] {
	format := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	parse := func(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }
	return newKey(name, get, format, parse, time.Time.Compare)
}

// page answers with the part of items that the request's Range asks for, sorted
// by the first key unless it says otherwise: 206 and Next-Range when more is
// left, 200 when this is the end. Only that part is shown.
func page[T, V any](c *call, items []T, show func([]T) ([]V, error), keys ...key[T]) (reply, error) {
	s, err := parseRange(c.r.Header.Get("Range"))
	if err != nil {
		return reply{}, err
	}
	if s.Field == "" {
		s.Field = keys[0].name
	}
	i := slices.IndexFunc(keys, func(k key[T]) bool { return k.name == s.Field })
	if i < 0 {
		return reply{}, badRange("this list is sorted by %s, not by %s", fieldNames(keys), s.Field)
	}
	k := keys[i]
	items, err = k.cut(items, s)
	if err != nil {
		return reply{}, err
	}
	rep := reply{status: http.StatusOK, header: http.Header{"Accept-Ranges": {fieldNames(keys)}}}
	if len(items) > s.Max {
		items = items[:s.Max]
		rep.status = http.StatusPartialContent
		s.First, s.AfterFirst = k.text(items[s.Max-1]), true
		rep.header.Set("Next-Range", s.String())
	}
	if len(items) > 0 {
		rep.header.Set("Content-Range", s.Field+" "+k.text(items[0])+".."+k.text(items[len(items)-1]))
	}
	rep.body, err = show(items)
	return rep, err
}

// each makes the show of page from what shows one item.
func each[T, V any](show func(T) V) func([]T) ([]V, error) {
	return func(items []T) ([]V, error) {
		out := make([]V, len(items))
		for i, v := range items {
			out[i] = show(v)
		}
		return out, nil
	}
}

// as shows items that are shapes already.
func as[T any](items []T) ([]T, error) { return items, nil }

// cut sorts items and drops those outside the span's ends. Ends are in the
// order of the list: with order=desc, First is the largest.
func (k key[T]) cut(items []T, s span) ([]T, error) {
	sign := 1
	if s.Desc {
		sign = -1
	}
	first, err := k.end(s.First)
	if err != nil && s.First != "" {
		return nil, badRange("%q is not a value of %s", s.First, k.name)
	}
	last, err := k.end(s.Last)
	if err != nil && s.Last != "" {
		return nil, badRange("%q is not a value of %s", s.Last, k.name)
	}
	kept := make([]T, 0, len(items))
	for _, v := range items {
		if s.First != "" && (sign*first(v) < 0 || s.AfterFirst && first(v) == 0) {
			continue
		}
		if s.Last != "" && (sign*last(v) > 0 || s.BeforeLast && last(v) == 0) {
			continue
		}
		kept = append(kept, v)
	}
	slices.SortStableFunc(kept, func(a, b T) int { return sign * k.compare(a, b) })
	return kept, nil
}

func fieldNames[T any](keys []key[T]) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return strings.Join(names, ", ")
}
