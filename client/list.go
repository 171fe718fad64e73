package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// ListOptions narrow and order a list. The zero value is all of it in the
// server's own order.
type ListOptions struct {
	By   string // field to sort by, such as "version"
	Desc bool
	Max  int // at most so many; 0: all, page by page
}

// pageSize is the largest page that the server gives.
const pageSize = 1000

func (o ListOptions) header() string {
	page := o.Max
	if page <= 0 || page > pageSize {
		page = pageSize
	}
	h := fmt.Sprintf("%s ..; max=%d", o.By, page)
	if o.By == "" {
		h = fmt.Sprintf("..; max=%d", page)
	}
	if o.Desc {
		h += ", order=desc"
	}
	return h
}

// list gets a whole list, following Next-Range up to Max.
func list[T any](ctx context.Context, c *Client, p string, o ListOptions) ([]T, error) {
	all := []T{}
	for next := o.header(); next != ""; {
		var page []T
		h, err := c.call(ctx, request{method: http.MethodGet, path: p, list: next, quiet: true}, &page)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next = h.Get("Next-Range")
		if o.Max > 0 && len(all) >= o.Max {
			all = all[:o.Max]
			break
		}
		if len(page) == 0 {
			break
		}
	}
	if c.OnAnswer == nil {
		return all, nil
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode list: %w", err)
	}
	c.OnAnswer(http.MethodGet, body)
	return all, nil
}

// All gets a whole list that has no method of its own.
func All[T any](ctx context.Context, c *Client, p string) ([]T, error) {
	return list[T](ctx, c, p, ListOptions{})
}
