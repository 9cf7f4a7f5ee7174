// Command upstream is the scripted model server as a process, for the page's tests. It prints its address and serves until
// its standard input ends.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	if err := upstream.New().Serve(ctx, l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
