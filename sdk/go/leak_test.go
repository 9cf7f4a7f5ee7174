package openclaw

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails a run that leaves a goroutine of this package, or of net/http on its behalf, behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := leftBehind(5 * time.Second); left != "" {
			fmt.Fprintf(os.Stderr, "left behind:\n%s\n", left)
			code = 1
		}
	}
	os.Exit(code)
}

// leftBehind returns the stacks of what still runs after patience. Connections take a moment to be torn down.
func leftBehind(patience time.Duration) string {
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	deadline := time.Now().Add(patience)
	for {
		buf := make([]byte, 1<<20)
		var left []string
		for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, ".leftBehind(") ||
				!strings.Contains(stack, "openclaw-go") && !strings.Contains(stack, "net/http") {
				continue
			}
			left = append(left, stack)
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
}
