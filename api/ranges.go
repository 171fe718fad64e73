package api

import (
	"strconv"
	"strings"

	kigo "github.com/kigo-dev/kigo"
)

// Pages of a list (Heroku's Platform API reference, "Ranges").
const (
	pageDefault = 200
	pageMax     = 1000
)

// span is a parsed Range header: which field a list is sorted by, between which
// values, in which order and how many at most. Empty First and Last are open ends.
type span struct {
	Field       string
	First, Last string
	AfterFirst  bool // "]first": without first itself
	BeforeLast  bool // "last[": without last itself
	Desc        bool
	Max         int
}

// parseRange reads a Range header in any spelling that Heroku's clients use:
//
//	id ..; max=10;              version ..; max=1, order=desc
//	id 01234..; max=2           version ..; order=desc,max=1
//	id ]01234..56789[           ..; max=5
//	max=5                       (empty)
//
// Parameters are separated by commas, semicolons or both, in any order. The empty
// header, and a byte range from a download manager, mean no range at all.
func parseRange(header string) (span, error) {
	s := span{Max: pageDefault}
	header = strings.TrimSpace(header)
	if header == "" || strings.HasPrefix(header, "bytes=") {
		return s, nil
	}
	head, params, _ := strings.Cut(header, ";")
	if !strings.Contains(head, "..") && strings.Contains(head, "=") {
		head, params = "", header
	}
	if err := s.parseInterval(strings.TrimSpace(head)); err != nil {
		return span{}, err
	}
	for _, p := range strings.FieldsFunc(params, func(r rune) bool { return r == ',' || r == ';' }) {
		if err := s.parseParam(strings.TrimSpace(p)); err != nil {
			return span{}, err
		}
	}
	return s, nil
}

// parseInterval reads "field first..last", each part of which may be missing.
func (s *span) parseInterval(text string) error {
	if text == "" {
		return nil
	}
	interval := text
	if field, rest, found := strings.Cut(text, " "); found {
		s.Field, interval = field, strings.TrimSpace(rest)
	} else if !strings.Contains(text, "..") {
		s.Field, interval = text, ".."
	}
	first, last, found := strings.Cut(interval, "..")
	if !found {
		return badRange("%q has no ..", text)
	}
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	s.First, s.AfterFirst = strings.CutPrefix(first, "]")
	s.First = strings.TrimPrefix(s.First, "[")
	s.Last, s.BeforeLast = strings.CutSuffix(last, "[")
	s.Last = strings.TrimSuffix(s.Last, "]")
	if strings.ContainsAny(s.Field, "[]=") || strings.ContainsAny(s.First+s.Last, " []") || strings.Contains(s.Last, "..") {
		return badRange("%q is not a field and two ends", text)
	}
	return nil
}

func (s *span) parseParam(p string) error {
	if p == "" {
		return nil
	}
	name, value, _ := strings.Cut(p, "=")
	switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
	case "max":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return badRange("max=%s is not a positive number", value)
		}
		s.Max = min(n, pageMax)
	case "order":
		if value != "asc" && value != "desc" {
			return badRange("order=%s is neither asc nor desc", value)
		}
		s.Desc = value == "desc"
	default:
		return badRange("it knows max and order, not %q", p)
	}
	return nil
}

// String is the header that asks for the span again.
func (s span) String() string {
	var b strings.Builder
	b.WriteString(s.Field)
	b.WriteByte(' ')
	if s.AfterFirst {
		b.WriteByte(']')
	}
	b.WriteString(s.First + ".." + s.Last)
	if s.BeforeLast {
		b.WriteByte('[')
	}
	b.WriteString("; max=" + strconv.Itoa(s.Max))
	if s.Desc {
		b.WriteString(", order=desc")
	}
	return b.String()
}

func badRange(format string, args ...any) *kigo.Error {
	e := kigo.Invalid("Range header: "+format, args...)
	e.ID = kigo.IDRange
	return e
}
