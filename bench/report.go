//go:build linux

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// improvements is what profiles led to, written by hand: it stands at the end of every report.
//
//go:embed improvements.md
var improvements string

// report writes one document.
type report struct {
	*results
	bytes.Buffer
	plots string // folder
}

func (r *report) line(format string, args ...any) { fmt.Fprintf(&r.Buffer, format+"\n", args...) }

// writeReport writes performance.md and its plots into docs.
func writeReport(res *results, docs string) error {
	r := &report{results: res, plots: filepath.Join(docs, "performance")}
	if err := os.MkdirAll(r.plots, 0o755); err != nil {
		return err
	}
	r.head()
	r.goals()
	if err := r.tables(); err != nil {
		return err
	}
	r.sizesTable()
	r.notes()
	r.WriteString("\n" + improvements)
	return os.WriteFile(filepath.Join(docs, "performance.md"), r.Bytes(), 0o644)
}

func (r *report) head() {
	m := r.Machine
	r.line("# Performance\n")
	r.line("Written by `make bench`, which anyone can run; nothing here was typed in but the last chapter. Every answer was checked to the")
	r.line("byte, and errors were counted. What stands beside each other was measured side by side: one run, rounds that alternate.")
	r.line("A figure is the median of the rounds, with the least and the most behind it.\n")
	kind := "a full run"
	if r.Quick {
		kind = "**a quick run, whose rounds are too few and too short to quote**"
	}
	r.line("This was %s, begun %s, %.0f minutes long.\n", kind, r.Begun.Format("2006-01-02 15:04 MST"), r.Took/60)
	r.line("- **Machine**: %s, %d cores, %s of memory, %s. The load generator, the upstream and the target share its cores, so", m.CPU, m.Cores, m.Memory, m.Kernel)
	r.line("  throughput is what is left to a target of them; CPU per request is the target's own. Load when the run began: %s.", m.Load)
	if before, _, _ := strings.Cut(m.Load, " "); busy(before) {
		r.line("  **The machine was busy with other work, before and during this run**: times and throughput are worse than on one that is")
		r.line("  not, and their spread is wide. What stands beside each other met the same.")
	}
	if f, ok := r.figure(disk, "fsync of 48 kB", p50); ok {
		r.line("- **Disk**: a write of 48 kB with its fsync takes %s ms.", f)
	}
	r.line("- **Go** %s. Everything over plain HTTP/1.1 on loopback, connections kept alive.", strings.TrimPrefix(m.Go, "go"))
	r.line("- **The upstream** is a scripted model server, which answers at once with pieces of 23 bytes: 4 where nothing else is said,")
	r.line("  %d where a stream has no delays, %d pieces %s apart in open streams.", streamPieces, chunkCount, chunkApart)
	r.line("- **OpenClaw** asks its upstream for a stream always, also for answers in one piece. Each answer is two durable commits. Its")
	r.line("  configuration is the default, with limits set too high to be reached; logs are JSON, to a file.\n")
	r.line("| target | version | what it is |\n|---|---|---|")
	for _, t := range r.Targets {
		r.line("| %s | %s | %s |", t.Name, t.Version, t.What)
	}
	r.line("")
}

// busy reports whether a load average is that of a machine with something else to do.
func busy(load string) bool {
	v, err := strconv.ParseFloat(load, 64)
	return err == nil && v > 0.5
}

// table is a scenario's, with a row for each target.
type table struct {
	title, scenario, text string
	metrics               []string
	plots                 []string // metrics to plot as well
}

var allTables = []table{
	{"Latency", atOne, "One client, one message after the other, each in a new session.", []string{p50, p99, cpuPer1000}, []string{p50}},
	{"Latency of streams", streamedOne, "The same, streamed.", []string{firstP50, p50, p99, cpuPer1000}, nil},
	{"Throughput at 32", at32, "32 clients, each message in a new session.", []string{perSecond, p50, p99, cpuPer1000, memory, errorCount}, []string{perSecond, cpuPer1000}},
	{"Throughput at 256", at256, "", []string{perSecond, p50, p99, cpuPer1000, memory, errorCount}, []string{perSecond}},
	{"Streamed at 32", streamed32, "", []string{perSecond, firstP50, p50, p99, cpuPer1000, memory, errorCount}, nil},
	{"Conversations of 10 turns", turns10, "OpenClaw keeps the history and is sent a message; the others are sent all of it with every turn.",
		[]string{perSecond, p50, p99, cpuPer1000, memory, errorCount}, nil},
	{"Conversations of 100 turns", turns100, "", []string{perSecond, p50, p99, cpuPer1000, memory, errorCount}, nil},
	{"200 open streams", streams200, "10,000 pieces a second. The lag of a piece is from when the upstream sent it to when the client had it. Memory per stream is what the first round added. A round is given up after 30 s.",
		[]string{firstP50, firstP99, lagP50, lagP99, cpuChunk, perStream, complete, errorCount}, []string{lagP99, cpuChunk}},
	{"2,000 open streams", streams2000, "100,000 pieces a second, which is more than two cores can send, pass on and read: the lag shows who falls behind. " +
		"A round is given up after 30 s, and streams that are not whole by then are errors.",
		[]string{firstP50, lagP50, lagP99, cpuChunk, memory, perStream, complete, errorCount}, []string{cpuChunk}},
	{"10,000 idle streams", idleStreams, "Streams that have had their first piece and wait for the second. Opening them is given up after 40 s.",
		[]string{complete, memory, perStream, "CPU, % of a core"}, []string{memory}},
	{"Start", starting, "From the launch of the process to its first whole answer, and its memory two seconds later.",
		[]string{cold, resident, memory}, []string{cold, memory}},
}

func (r *report) tables() error {
	for _, t := range allTables {
		rows := r.rows(t)
		if len(rows) == 0 {
			continue
		}
		r.line("## %s\n", t.title)
		if t.text != "" {
			r.line("%s\n", t.text)
		}
		metrics := slices.DeleteFunc(slices.Clone(t.metrics), func(m string) bool { return m == errorCount && r.noErrors(t.scenario) })
		r.grid(t.scenario, "target", rows, metrics)
		if len(metrics) < len(t.metrics) {
			r.line("No errors.\n")
		}
		for _, metric := range t.plots {
			if err := r.plot(t, metric, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *report) noErrors(scenario string) bool {
	return !slices.ContainsFunc(r.Samples, func(s sample) bool {
		return s.Scenario == scenario && s.Metric == errorCount && s.Value > 0
	})
}

// rows are the targets that the table has something on.
func (r *report) rows(t table) (rows []string) {
	for _, target := range r.Targets {
		for _, m := range t.metrics {
			if _, ok := r.figure(t.scenario, target.Name, m); ok {
				rows = append(rows, target.Name)
				break
			}
		}
	}
	return rows
}

func (r *report) grid(scenario, corner string, rows, metrics []string) {
	r.line("| %s | %s |\n|---|%s", corner, strings.Join(metrics, " | "), strings.Repeat("---:|", len(metrics)))
	for _, row := range rows {
		cells := []string{row}
		if row == ours {
			cells[0] = "**" + row + "**"
		}
		for _, m := range metrics {
			cell := ""
			if f, ok := r.figure(scenario, row, m); ok {
				cell = f.String()
			}
			cells = append(cells, cell)
		}
		r.line("| %s |", strings.Join(cells, " | "))
	}
	r.line("")
}

func (r *report) plot(t table, metric string, rows []string) error {
	var bars []bar
	for _, row := range rows {
		if f, ok := r.figure(t.scenario, row, metric); ok && f.median > 0 {
			bars = append(bars, bar{row, f, r.color(row)})
		}
	}
	if len(bars) < 2 {
		return nil
	}
	name := strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(t.title+" "+metric)), "-") + ".svg"
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	r.line("![%s: %s](performance/%s)\n", t.title, metric, name)
	return writePlot(filepath.Join(r.plots, name), t.title+": "+metric, bars)
}

func (r *report) color(target string) string {
	for _, t := range r.Targets {
		if t.Name == target && t.Peer {
			return peerColor
		}
	}
	if strings.HasPrefix(target, ours) {
		return oursColor
	}
	return proxyColor
}

func (r *report) sizesTable() {
	var rows []string
	for _, s := range r.Samples {
		if s.Scenario == pagesOf && !slices.Contains(rows, s.Target) {
			rows = append(rows, s.Target)
		}
	}
	if len(rows) > 0 {
		r.line("## What is stored\n")
		r.line("Databases of conversations of %d messages, which statements have filled. Pages of 50 sessions; the history of sessions picked", messagesPerSession)
		r.line("at random, first with the whole file in the system's memory, then again after the system was made to forget it, so that each page")
		r.line("comes from the disk; chats in new sessions. One client. The gateways run at the same time, and their rounds alternate.\n")
		r.grid(pagesOf, "stored", rows, []string{"sessions p50, ms", "sessions p99, ms", "history p50, ms", "history p99, ms", historyCold, "chat p50, ms", memory})
		r.line("Recovery: killed by SIGKILL with 100 streams running, then from the launch of the new process.\n")
		r.grid(recovery, "stored", rows, []string{"listening, ms", "first answer, ms"})
	}
	var writers []string
	for _, s := range r.Samples {
		if s.Scenario == disk && s.Metric == perSecond && !slices.Contains(writers, s.Target) {
			writers = append(writers, s.Target)
		}
	}
	if len(writers) > 0 {
		r.line("## Durable commits\n")
		r.line("Messages that the store made durable in a second, each with its run, called directly and without HTTP. Writers that come at the")
		r.line("same time share a commit.\n")
		r.line("| writers | messages/s |\n|---|---:|")
		for _, w := range writers {
			f, _ := r.figure(disk, w, perSecond)
			r.line("| %s | %s |", w, f)
		}
		r.line("")
	}
}

// betweenPorts are the addresses in a network error, which say nothing on loopback.
var betweenPorts = regexp.MustCompile(`(read|write) tcp [0-9.:]+->[0-9.:]+: `)

func (r *report) notes() {
	if len(r.Notes) == 0 {
		return
	}
	r.line("## What did not go as planned\n")
	for _, n := range slices.Compact(slices.Clone(r.Notes)) {
		if i := strings.IndexByte(n, '\n'); i > 0 {
			n = n[:i]
		}
		r.line("- %s", betweenPorts.ReplaceAllString(n, ""))
	}
}

// String is the median with its spread.
func (f figure) String() string {
	if f.rounds == 1 || short(f.min) == short(f.max) {
		return short(f.median)
	}
	return fmt.Sprintf("%s (%s–%s)", short(f.median), short(f.min), short(f.max))
}

// short writes a number with three digits that count, or whole.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1000:
		return grouped(int(math.Round(v)))
	case a >= 100 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
}
