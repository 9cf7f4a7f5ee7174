package sqlite

import (
	"fmt"
	"os"
	"strings"
)

// lock takes the lock file beside the database. It is never removed: a process that holds the lock of a removed file
// and one that holds the lock of its successor would both believe themselves alone.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := lockFile(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	if !ok {
		owner, _ := os.ReadFile(path)
		_ = f.Close()
		who := "another gateway"
		if pid := strings.TrimSpace(string(owner)); pid != "" {
			who += " (process " + pid + ")"
		}
		return nil, fmt.Errorf("%s is serving this database: stop it first, or give this one a storage.path of its own", who)
	}
	// Who holds it is a help in the message above, not part of the lock: a disk too full for it must not keep the
	// gateway from starting.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}
