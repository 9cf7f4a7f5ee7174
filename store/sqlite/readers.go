package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"github.com/openclaw/openclaw/claw"
)

// maxReaders is small: each has a page cache of its own, and two cores read no faster with more of them. One that has been
// opened stays open: under load that leaves and comes, opening them again and again would cost more than they do.
const maxReaders = 4

// readers are the connections that read, each on a snapshot that waits for no write and that no write changes.
type readers struct {
	to    driver.Connector
	slots chan struct{} // one token per reader at work

	mu   sync.Mutex
	idle []*conn
}

func newReaders(to driver.Connector) *readers {
	return &readers{to: to, slots: make(chan struct{}, maxReaders)}
}

// take waits for a connection, until ctx ends.
func (r *readers) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	c, err := connect(ctx, r.to)
	if err != nil {
		<-r.slots
		return nil, err
	}
	return c, nil
}

// give takes a connection back. One whose last query failed is not used again.
func (r *readers) give(c *conn, sound bool) {
	defer func() { <-r.slots }()
	r.mu.Lock()
	if sound {
		r.idle = append(r.idle, c)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	c.close()
}

// close waits for the queries under way and closes the connections.
func (r *readers) close() {
	for range maxReaders {
		r.slots <- struct{}{}
	}
	for _, c := range r.idle {
		c.close()
	}
}

// read runs do on one snapshot of the database.
func read[T any](ctx context.Context, s *Store, do func(*tx) (T, error)) (v T, err error) {
	return query(ctx, s, func(t *tx) (v T, err error) {
		if _, err := t.exec("BEGIN"); err != nil {
			return v, err
		}
		v, err = do(t)
		_, ended := t.exec("COMMIT")
		if ended != nil {
			return v, fmt.Errorf("%w (%w)", ended, err) // the connection is not to be used again, whatever do found
		}
		return v, err
	})
}

// query runs do on a connection. What it sees is one snapshot only where do is one statement, which is the most part of
// reading: BEGIN and COMMIT would cost as much again.
//
// ctx gives up the wait for a connection and not the query. All queries are short, and one that can be interrupted costs two
// goroutines.
func query[T any](ctx context.Context, s *Store, do func(*tx) (T, error)) (v T, err error) {
	if !s.enter() {
		return v, errClosed
	}
	defer s.leave()
	c, err := s.readers.take(ctx)
	if err != nil {
		return v, translate(ctx, err)
	}
	sound := false
	defer func() { s.readers.give(c, sound) }()
	v, err = do(c.tx(context.WithoutCancel(ctx)))
	if err != nil {
		_, sound = errors.AsType[*claw.Error](err) // found nothing, which is no fault of the connection
		var none T
		return none, translate(ctx, err)
	}
	sound = true
	return v, nil
}
