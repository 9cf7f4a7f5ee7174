//go:build !linux

package sqlite

import "testing"

// smallDisk is for Linux only.
func smallDisk(t *testing.T, _ int) string {
	t.Helper()
	t.Skip("a small disk is mounted on Linux only")
	return ""
}
