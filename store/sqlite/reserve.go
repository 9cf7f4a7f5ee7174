package sqlite

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"
)

// reserve is a file that takes up space on the disk to give it away when the disk is full: a write-ahead log has to
// grow even for a deletion, so a full disk could not be helped by deleting sessions.
//
// Only the writer's goroutine uses it, save for spent.
type reserve struct {
	path string
	size int64 // 0: none is kept

	gone     atomic.Bool
	nextTry  time.Time
	interval time.Duration
}

// spent reports whether the reserve has been given up and is not back yet.
func (r *reserve) spent() bool { return r.gone.Load() }

// free gives the reserve up and reports whether that freed anything.
func (r *reserve) free() bool {
	if r.size == 0 || r.gone.Swap(true) {
		return false
	}
	r.nextTry = time.Now().Add(r.interval)
	return os.Remove(r.path) == nil
}

// tryAt is when to try to have the reserve back, zero where it is there.
func (r *reserve) tryAt() time.Time {
	if r.gone.Load() {
		return r.nextTry
	}
	return time.Time{}
}

// due reports whether it is time to try to have the reserve back.
func (r *reserve) due() bool { return r.gone.Load() && !time.Now().Before(r.nextTry) }

// restore takes the space again. It leaves nothing behind where the disk has not enough of it.
func (r *reserve) restore() error {
	r.nextTry = time.Now().Add(r.interval)
	if err := r.allocate(); err != nil {
		return err
	}
	r.gone.Store(false)
	return nil
}

// prepare has the reserve in place when the store opens, at the size that is wanted now. A disk too full for it is no
// reason not to start: the store then begins as it is after the reserve has been given up.
func (r *reserve) prepare() error {
	if r.size == 0 {
		if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if info, err := os.Stat(r.path); err == nil && info.Size() == r.size {
		return nil
	}
	if err := r.restore(); err != nil {
		r.gone.Store(true)
		return err
	}
	return nil
}

// allocate writes the file in full. Noise, since a file system that compresses would keep no space for zeros.
func (r *reserve) allocate() (err error) {
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(r.path)
		}
	}()
	noise := rand.NewChaCha8([32]byte{})
	block := make([]byte, 64<<10)
	for left := r.size; left > 0; left -= int64(len(block)) {
		block = block[:min(left, int64(len(block)))]
		_, _ = noise.Read(block) // never fails
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return f.Sync()
}
