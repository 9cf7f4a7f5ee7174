package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// SQLite's secure_delete overwrites what is deleted, but not every copy of it. When a page gets too empty, rows move
// between it and its neighbours, and the page that is rebuilt keeps what lay in its unused space: copies of rows that
// are elsewhere now. Once those rows are deleted, nothing overwrites the copies any more. So whatever pages the
// write-ahead log holds have their unused space filled with zeros before the log is let go. Every page that changes
// passes through the log, after a crash too, so no copy escapes.

// The layout of the log and of pages, as SQLite's file format defines them for good.
const (
	logHeaderLen   = 32
	frameHeaderLen = 24

	fileHeaderLen = 100 // before the header of page 1

	leafHeaderLen, innerHeaderLen = 8, 12
)

// maxScrubbed is the number of the last page that is told apart safely: pages without rows begin with the number of
// another page, whose first byte must not look like the kind of a page with rows. It is reached at 128 GiB.
const maxScrubbed = 1<<25 - 1

// unused returns the part of a page that no row lies in, nil where the page is none that holds rows. number is the
// page's, from 1.
func unused(page []byte, number uint32) []byte {
	head := page
	if number == 1 {
		head = page[fileHeaderLen:]
	}
	offset := len(page) - len(head)
	headerLen := 0
	switch head[0] {
	case 0x0a, 0x0d:
		headerLen = leafHeaderLen
	case 0x02, 0x05:
		headerLen = innerHeaderLen
	default:
		return nil
	}
	cells, content := int(binary.BigEndian.Uint16(head[3:])), int(binary.BigEndian.Uint16(head[5:]))
	if content == 0 {
		content = 1 << 16
	}
	pointers := offset + headerLen
	end := pointers + 2*cells
	if end > content || content > len(page) {
		return nil
	}
	for at := pointers; at < end; at += 2 {
		if cell := int(binary.BigEndian.Uint16(page[at:])); cell < content || cell >= len(page) {
			return nil
		}
	}
	return page[end:content]
}

// zeros is as long as the longest page.
var zeros [1 << 16]byte

func isZero(b []byte) bool { return bytes.Equal(b, zeros[:len(b)]) }

// stained returns the numbers of the pages that have something in their unused space, as the log at path has them in its
// first frames, of which there are so many.
func stained(path string, frames int) (numbers []uint32, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	newest, size, err := logged(f, frames)
	if err != nil {
		return nil, err
	}
	page := make([]byte, size)
	for number, at := range newest {
		if _, err := f.ReadAt(page, at); err != nil {
			return nil, err
		}
		if !isZero(unused(page, number)) {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// logged returns where in a log of so many frames the newest version of each page is, and how long pages are. A log has most
// pages many times, so only the frames' headers are read.
func logged(f io.ReaderAt, frames int) (newest map[uint32]int64, size int, err error) {
	header := make([]byte, logHeaderLen)
	if _, err := f.ReadAt(header, 0); err != nil {
		return nil, 0, atEnd(err)
	}
	size = int(binary.BigEndian.Uint32(header[8:]))
	if size < 512 || size > 1<<16 { // no page is smaller or larger: this is no log that SQLite would read
		return nil, 0, nil
	}
	newest = map[uint32]int64{}
	frame := make([]byte, frameHeaderLen)
	for i := range int64(frames) {
		at := logHeaderLen + i*int64(frameHeaderLen+size)
		if _, err := f.ReadAt(frame, at); err != nil {
			return newest, size, atEnd(err)
		}
		newest[binary.BigEndian.Uint32(frame)] = at + frameHeaderLen
	}
	return newest, size, nil
}

// atEnd is nil for the end of a file, which a log may have anywhere.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// scrub fills with zeros the unused space of the pages in the log, which has so many.
func (w *writer) scrub(pages int) error {
	numbers, err := stained(w.path+"-wal", pages)
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	if len(numbers) == 0 {
		return nil
	}
	if err := w.begin(); err != nil {
		return err
	}
	t := w.conn.tx(context.Background())
	for _, number := range numbers {
		if err := scrubPage(t, number); err != nil {
			w.rollback()
			return fmt.Errorf("page %d: %w", number, err)
		}
	}
	if err := w.conn.do("COMMIT"); err != nil {
		w.rollback()
		return err
	}
	return nil
}

func scrubPage(t *tx, number uint32) error {
	if number > maxScrubbed {
		return nil
	}
	var page []byte
	err := t.row(`SELECT data FROM sqlite_dbpage WHERE pgno = ?`, number).Scan(&page)
	if errors.Is(err, sql.ErrNoRows) { // a page that a transaction added which did not commit
		return nil
	}
	if err != nil {
		return err
	}
	space := unused(page, number)
	if isZero(space) {
		return nil
	}
	clear(space)
	_, err = t.exec(`UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?`, page, number)
	return err
}
