//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a program under test, with whatever processes it starts.
type process struct {
	name   string
	addr   string // host:port that it listens on
	cmd    *exec.Cmd
	exited chan struct{}
}

// launch starts a program in a process group of its own, with its output in a file of that name.
func launch(name, logPath string, env []string, args ...string) (*process, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{name: name, exited: make(chan struct{})}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.exited)
	}()
	return p, nil
}

// kill ends the process and its children at once, and returns when it is gone.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// tree lists the process and its descendants.
func (p *process) tree() []int {
	pids := []int{p.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i]))
		for _, list := range lists {
			text, _ := os.ReadFile(list) // a thread that has ended has no children
			for child := range strings.FieldsSeq(string(text)) {
				if pid, err := strconv.Atoi(child); err == nil {
					pids = append(pids, pid)
				}
			}
		}
	}
	return pids
}

// cpu is the processor time that the processes have used so far, as the scheduler counts it.
func (p *process) cpu() time.Duration {
	var sum time.Duration
	for _, pid := range p.tree() {
		const scheduler = 2 // of the clocks that a process has
		var ts unix.Timespec
		if unix.ClockGettime(int32(^pid<<3|scheduler), &ts) == nil {
			sum += time.Duration(ts.Nano())
		}
	}
	return sum
}

// memory is what the processes hold in bytes: pages of their own, and their share of those that they have in common.
func (p *process) memory() float64 {
	kb := 0.0
	for _, pid := range p.tree() {
		kb += procField(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	}
	return kb * 1024
}

// resident is what the process itself has in memory, shared pages included, in bytes.
func (p *process) resident() float64 {
	return procField(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), "VmRSS:") * 1024
}

func procField(path, name string) float64 {
	text, _ := os.ReadFile(path) // a process that has ended holds nothing
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == name {
			v, _ := strconv.ParseFloat(string(f[1]), 64)
			return v
		}
	}
	return 0
}

// freeAddr is a loopback address that nothing listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// listening waits until the process accepts connections at its address.
func (p *process) listening(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			return errors.New(p.name + " has exited; its log says why")
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w", p.name, err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// itself starts another process of this program and reads its address.
func itself(name string, args ...string) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, exited: make(chan struct{})}
	p.cmd = exec.Command(exe, args...)
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	p.addr = strings.TrimSpace(line)
	return p, nil
}
