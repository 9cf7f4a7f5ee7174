package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
)

func TestScan(t *testing.T) {
	var (
		i    int64
		n    int
		yes  bool
		text string
		role claw.Role
		blob []byte
		none = []byte("old")
		null sql.NullInt64
		set  sql.NullString
	)
	row := values{int64(1), int64(2), int64(1), "text", "user", []byte("blob"), nil, nil, "set"}
	if err := row.Scan(&i, &n, &yes, &text, &role, &blob, &none, &null, &set); err != nil {
		t.Fatal(err)
	}
	if i != 1 || n != 2 || !yes || text != "text" || role != claw.RoleUser || string(blob) != "blob" || none != nil || null.Valid || set.String != "set" {
		t.Error(i, n, yes, text, role, blob, none, null, set)
	}
	for _, c := range []struct {
		v    driver.Value
		dest any
	}{
		{nil, &i}, {nil, &text}, {"1", &i}, {int64(1), &text}, {1.5, &i}, {"x", &blob}, {[]byte("x"), &text}, {"x", &yes},
	} {
		if err := (values{c.v}).Scan(c.dest); err == nil || !strings.Contains(err.Error(), "column 0") {
			t.Errorf("a %T into a %T: %v", c.v, c.dest, err)
		}
	}
	if err := (values{"x"}).Scan(&text, &role); err == nil {
		t.Error("a row is read into more places than it has columns")
	}
}

func TestArgumentsThatDriversDoNotTake(t *testing.T) {
	s, _ := openTest(t)
	_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
		_, err := t2.exec(`UPDATE sequence SET last = ?`, struct{}{})
		return nil, err
	})
	if err == nil || !strings.Contains(err.Error(), "argument 1") {
		t.Errorf("got %v", err)
	}
}

func TestNoRow(t *testing.T) {
	s, _ := openTest(t)
	_, err := read(t.Context(), s, func(t2 *tx) (n int64, err error) {
		err = t2.row(`SELECT seq FROM messages WHERE id = ?`, "none").Scan(&n)
		return n, err
	})
	if !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("got %v", err)
	}
}
