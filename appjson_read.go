package kigo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits within an app.json.
const (
	maxAppJSONText  = 8 << 10
	maxAppJSONItems = 500 // members of an object, or items of a list
)

// decodeAppJSON returns the file's object, or an error that says where it is wrong.
func decodeAppJSON(b []byte) (any, error) {
	if len(b) > MaxAppJSON {
		return nil, Invalid("app.json is too large: %d bytes, the maximum is %d", len(b), MaxAppJSON)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(b) {
		return nil, Invalid("app.json is not a text file in UTF-8")
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, Invalid("app.json is empty: write {} if there is nothing to say")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, notJSON(b, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, Invalid("app.json goes on after its end at %s", place(b, d.InputOffset()))
	}
	if _, ok := value.(map[string]any); !ok {
		return nil, Invalid("app.json is %s: write an object, { … }", describe(value))
	}
	return value, nil
}

func notJSON(b []byte, err error) error {
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return Invalid("app.json is not valid JSON at %s: %v", place(b, syntax.Offset), err)
	}
	return Invalid("app.json is not valid JSON: it ends too early (%v)", err)
}

func place(b []byte, offset int64) string {
	before := b[:min(int(offset), len(b))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return "line " + itoa(line) + ", column " + itoa(max(column, 1))
}

// jsonNode is a value and where it is.
type jsonNode struct {
	path   []string
	value  any
	inside bool // below environments
}

func (n jsonNode) child(name string, value any) jsonNode {
	return jsonNode{path: append(slices.Clip(n.path), name), value: value, inside: n.inside}
}

func joinPath(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	return strings.ReplaceAll(strings.Join(path, "."), ".[", "[")
}

func (n jsonNode) name() string   { return joinPath(n.path) }
func (n jsonNode) parent() string { return joinPath(n.path[:max(len(n.path)-1, 0)]) }

// describe says what a value is, for a message.
func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return shorten(v)
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return shorten(v.String())
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

// appJSONReader keeps the first error; after it nothing that it returns counts.
type appJSONReader struct {
	err     error
	unknown []string
}

func (r *appJSONReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = Invalid(format, args...)
	}
}

func (r *appJSONReader) refuse(n jsonNode, hint string) {
	r.fail("app.json: %s is %s: %s", n.name(), describe(n.value), hint)
}

// members calls f for each member of an object, in order of names, but for those
// that are null; f returns whether it knows the member.
func (r *appJSONReader) members(n jsonNode, f func(name string, n jsonNode) bool) {
	object, ok := n.value.(map[string]any)
	if !ok {
		r.refuse(n, "write an object, { … }")
		return
	}
	if len(object) > maxAppJSONItems {
		r.fail("app.json: %s has %d members, the maximum is %d", n.name(), len(object), maxAppJSONItems)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if r.err != nil {
			return
		}
		c := n.child(printable(name), object[name])
		if c.value != nil && !f(name, c) && len(r.unknown) < 20 {
			r.unknown = append(r.unknown, c.name())
		}
	}
}

// printable is a member's name as a message can hold it.
func printable(name string) string {
	quoted := shorten(name)
	return quoted[1 : len(quoted)-1]
}

func (r *appJSONReader) items(n jsonNode, f func(n jsonNode)) {
	list, ok := n.value.([]any)
	if !ok {
		r.refuse(n, "write a list, [ … ]")
		return
	}
	if len(list) > maxAppJSONItems {
		r.fail("app.json: %s has %d items, the maximum is %d", n.name(), len(list), maxAppJSONItems)
		return
	}
	for i, value := range list {
		if r.err != nil {
			return
		}
		f(n.child("["+itoa(i)+"]", value))
	}
}

func (r *appJSONReader) text(n jsonNode, most int) string {
	text, ok := n.value.(string)
	switch {
	case !ok:
		r.refuse(n, "write a text in quotes")
	case len(text) > most:
		r.fail("app.json: %s is too long: %d bytes, the maximum is %d", n.name(), len(text), most)
	case strings.IndexByte(text, 0) >= 0:
		r.fail("app.json: %s holds a NUL byte", n.name())
	}
	return text
}

// scalar is a text; a number or a boolean is the text of itself.
func (r *appJSONReader) scalar(n jsonNode) string {
	switch v := n.value.(type) {
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return r.text(n, MaxConfigBytes)
}

func (r *appJSONReader) boolean(n jsonNode) bool {
	switch v := n.value.(type) {
	case bool:
		return v
	case string:
		if v == "true" || v == "false" {
			return v == "true"
		}
	}
	r.refuse(n, "write true or false")
	return false
}

func (r *appJSONReader) whole(n jsonNode, least, most int) int {
	text := ""
	switch v := n.value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < least || number > most {
		r.refuse(n, "write a whole number from "+itoa(least)+" to "+itoa(most))
	}
	return number
}

func (r *appJSONReader) seconds(n jsonNode, least time.Duration) time.Duration {
	var d time.Duration
	err := errors.New("not a time")
	switch v := n.value.(type) {
	case json.Number:
		var f float64
		if f, err = v.Float64(); err == nil && f >= 0 && f <= MaxCheckTime.Seconds() {
			d = time.Duration(f * float64(time.Second))
		} else {
			err = errors.New("out of range")
		}
	case string:
		d, err = time.ParseDuration(v)
	}
	if err != nil || d < least || d > MaxCheckTime {
		r.refuse(n, "write seconds from "+strconv.FormatFloat(least.Seconds(), 'f', -1, 64)+" to "+itoa(int(MaxCheckTime.Seconds())))
	}
	return d
}
