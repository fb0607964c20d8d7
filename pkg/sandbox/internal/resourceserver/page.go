package resourceserver

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

const (
	defaultPage = 20
	maxPage     = 100
)

// page is a part of a list, newest first.
type page struct {
	Pagination pageInfo `json:"pagination"`
	Result     []any    `json:"result"`
}

type pageInfo struct {
	StartCursor     string `json:"startCursor,omitempty"`
	EndCursor       string `json:"endCursor,omitempty"`
	HasNextPage     bool   `json:"hasNextPage"`
	HasPreviousPage bool   `json:"hasPreviousPage"`
}

// pageQuery is the query of a list: so many items after the cursor, or before it.
type pageQuery struct {
	walletAddress string
	cursor        string
	limit         int
	backward      bool
}

// parsePageQuery reads what the schema says of a list's headers and query, and returns check, which says the rest: the
// reference server looks at it after it knows the client.
func parsePageQuery(r *http.Request) (query pageQuery, check func() error, err error) {
	if !accepts(r, "application/json") {
		return query, nil, fail(http.StatusNotAcceptable, notAcceptable)
	}
	for _, name := range []string{"signature-input", "signature"} {
		if r.Header.Get(name) == "" {
			return query, nil, failRequest("must have required property '" + name + "'")
		}
	}
	values := r.URL.Query()
	if !values.Has("wallet-address") {
		return query, nil, failRequest("must have required property 'wallet-address'")
	}
	if values.Has("cursor") && values.Get("cursor") == "" {
		return query, nil, failRequest("cursor must NOT have fewer than 1 characters")
	}
	first, err := parsePageSize(values, "first")
	if err != nil {
		return query, nil, err
	}
	last, err := parsePageSize(values, "last")
	if err != nil {
		return query, nil, err
	}
	query = pageQuery{walletAddress: values.Get("wallet-address"), cursor: values.Get("cursor"), limit: max(first, last), backward: last > 0}
	if query.limit == 0 {
		query.limit = defaultPage
	}
	return query, func() error { return query.check(first > 0) }, nil
}

func parsePageSize(values url.Values, name string) (int, error) {
	if !values.Has(name) {
		return 0, nil
	}
	size, err := strconv.Atoi(values.Get(name))
	switch {
	case err != nil:
		return 0, failRequest(name + " must be integer")
	case size < 1:
		return 0, failRequest(name + " must be >= 1")
	case size > maxPage:
		return 0, failRequest(name + " must be <= " + strconv.Itoa(maxPage))
	}
	return size, nil
}

func (q pageQuery) check(hasFirst bool) error {
	switch {
	case q.backward && hasFirst:
		return fail(http.StatusBadRequest, "first and last are mutually exclusive")
	case q.backward && q.cursor == "":
		return fail(http.StatusBadRequest, "last requires cursor")
	case q.cursor != "" && !wellFormedID.MatchString(q.cursor):
		return errUnexpected
	}
	return nil
}

// list responds with a page of a wallet's resources, each as describe says. Server.mu is held when describe is called.
func list[T resource](s *Server, r *http.Request, all *collection[T], accessType string, describe func(T) any) (any, error) {
	query, check, err := parsePageQuery(r)
	if err != nil {
		return nil, err
	}
	client, err := s.authorize(r, nil, accessType, "list", query.walletAddress)
	if err != nil {
		return nil, err
	}
	w := s.walletAt(r, query.walletAddress)
	if w == nil {
		return nil, fail(http.StatusBadRequest, "Could not get wallet address")
	}
	if err := check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var visible []T
	for _, item := range slices.Backward(all.byOwner[w]) {
		if !item.gone(now) && client.sees("list", item.base().client) {
			visible = append(visible, item)
		}
	}
	cursor, known := all.get(query.cursor, now)
	if query.cursor != "" && !known {
		return page{Result: []any{}}, nil
	}
	start, end := 0, len(visible)
	if query.cursor != "" {
		at := cursor.base().sequence
		after := func(item T) bool { return item.base().sequence < at }
		notBefore := func(item T) bool { return item.base().sequence <= at }
		start, end = index(visible, after), index(visible, notBefore)
	}
	if query.backward {
		start = max(0, end-query.limit)
	} else {
		end = min(start+query.limit, len(visible))
	}
	return newPage(visible, start, end, describe), nil
}

// index returns the first index of what is so, or how many there are.
func index[T any](items []T, isSo func(T) bool) int {
	if i := slices.IndexFunc(items, isSo); i >= 0 {
		return i
	}
	return len(items)
}

func newPage[T resource](visible []T, start, end int, describe func(T) any) page {
	p := page{Result: []any{}}
	for _, item := range visible[start:end] {
		p.Result = append(p.Result, describe(item))
	}
	if start < end {
		p.Pagination = pageInfo{
			StartCursor:     visible[start].base().id,
			EndCursor:       visible[end-1].base().id,
			HasNextPage:     end < len(visible),
			HasPreviousPage: start > 0,
		}
	}
	return p
}
