//go:build linux

package main

import (
	"fmt"
	"strings"
)

// goal is a line of the table of goals.
type goal struct {
	what   string
	met    bool
	figure string
}

// goals says which of the project's goals this run met. A goal whose figures were not measured is left out.
func (r *report) goals() {
	var all []goal
	for _, f := range []func(*report) (goal, bool){
		cpuGoal, throughputGoal, latencyGoal, chunkGoal, firstGoal, streamMemoryGoal, idleGoal, coldGoal, restGoal,
		pageGoal("sessions"), pageGoal("history"), recoveryGoal, peerGoal,
	} {
		if g, ok := f(r); ok {
			all = append(all, g)
		}
	}
	if len(all) == 0 {
		return
	}
	r.line("## Goals\n")
	r.line("| goal | | figure |\n|---|---|---|")
	for _, g := range all {
		verdict := "met"
		if !g.met {
			verdict = "**missed**"
		}
		r.line("| %s | %s | %s |", g.what, verdict, g.figure)
	}
	r.line("")
}

// medians returns one figure for each target, and false where one is missing.
func (r *report) medians(scenario, metric string, targets ...string) ([]float64, bool) {
	var vs []float64
	for _, t := range targets {
		f, ok := r.figure(scenario, t, metric)
		if !ok {
			return nil, false
		}
		vs = append(vs, f.median)
	}
	return vs, true
}

func cpuGoal(r *report) (goal, bool) {
	v, ok := r.medians(at32, cpuPer1000, ours, reverseProxy)
	if !ok {
		return goal{}, false
	}
	return goal{"CPU per chat request at most 3 times the reverse proxy's (32 clients)", v[0] <= 3*v[1],
		fmt.Sprintf("%.1f times: %s and %s µs", v[0]/v[1], short(v[0]*1000), short(v[1]*1000))}, true
}

func throughputGoal(r *report) (goal, bool) {
	v, ok := r.medians(at32, perSecond, ours, reverseProxy)
	if !ok {
		return goal{}, false
	}
	return goal{"throughput at 32 clients at least 3,000/s, or a third of the reverse proxy's where that is less",
		v[0] >= min(3000, v[1]/3), fmt.Sprintf("%s/s; the reverse proxy %s/s", short(v[0]), short(v[1]))}, true
}

func latencyGoal(r *report) (goal, bool) {
	v, ok := r.medians(atOne, p50, ours, direct)
	sync, ok2 := r.medians(disk, p50, "fsync of 48 kB")
	if !ok || !ok2 {
		return goal{}, false
	}
	over := v[0] - v[1]
	return goal{"p50 with one client at most 1.5 ms over direct, or two syncs of the disk where those take longer",
		over <= max(1.5, 2*sync[0]), fmt.Sprintf("%s ms over direct; two syncs take %s ms", short(over), short(2*sync[0]))}, true
}

func chunkGoal(r *report) (goal, bool) {
	v, ok := r.medians(streams200, cpuChunk, ours, reverseProxy)
	if !ok {
		return goal{}, false
	}
	return goal{"CPU per streamed chunk at most twice the reverse proxy's (200 streams)", v[0] <= 2*v[1],
		fmt.Sprintf("%.1f times: %s and %s µs", v[0]/v[1], short(v[0]), short(v[1]))}, true
}

func firstGoal(r *report) (goal, bool) {
	v, ok := r.medians(streams200, firstP50, ours, reverseProxy)
	if !ok {
		return goal{}, false
	}
	return goal{"first chunk at most 3 ms later than through the reverse proxy (200 streams, p50)", v[0]-v[1] <= 3,
		fmt.Sprintf("%s ms later", short(v[0]-v[1]))}, true
}

func streamMemoryGoal(r *report) (goal, bool) {
	v, ok := r.medians(streams2000, perStream, ours)
	if !ok {
		return goal{}, false
	}
	return goal{"memory per active stream at most 100 kB (2,000 streams)", v[0] <= 100, short(v[0]) + " kB"}, true
}

func idleGoal(r *report) (goal, bool) {
	v, ok := r.medians(idleStreams, memory, ours)
	n, ok2 := r.medians(idleStreams, complete, ours)
	if !ok || !ok2 {
		return goal{}, false
	}
	// Where the machine does not allow as many, the goal is what it allows of them.
	return goal{"10,000 idle streams in 512 MB", n[0] >= 9_000 && v[0] <= 512*n[0]/10_000,
		fmt.Sprintf("%s streams in %s MB, %s kB each", grouped(int(n[0])), short(v[0]), short(v[0]*mega/1000/n[0]))}, true
}

func coldGoal(r *report) (goal, bool) {
	v, ok := r.medians(starting, cold, ours)
	if !ok {
		return goal{}, false
	}
	return goal{"cold start to the first answer at most 300 ms", v[0] <= 300, short(v[0]) + " ms"}, true
}

func restGoal(r *report) (goal, bool) {
	v, ok := r.medians(starting, resident, ours)
	if !ok {
		return goal{}, false
	}
	return goal{"idle at most 30 MB", v[0] <= 30, short(v[0]) + " MB"}, true
}

func pageGoal(of string) func(*report) (goal, bool) {
	return func(r *report) (goal, bool) {
		v, ok := r.medians(pagesOf, of+" p50, ms", "1,000,000 sessions", "1,000 sessions")
		if !ok {
			return goal{}, false
		}
		figure := fmt.Sprintf("%.2f times: %s and %s ms", v[0]/v[1], short(v[0]), short(v[1]))
		if cold, ok := r.medians(pagesOf, historyCold, "1,000,000 sessions", "1,000 sessions"); ok && of == "history" {
			figure += fmt.Sprintf("; %s and %s ms where the system has to read the file from the disk", short(cold[0]), short(cold[1]))
		}
		return goal{"a page of " + of + " at a million sessions within twice that of a thousand (an empty store has no page to compare with)",
			v[0] <= 2*v[1], figure}, true
	}
}

func recoveryGoal(r *report) (goal, bool) {
	v, ok := r.medians(recovery, "first answer, ms", "1,000,000 sessions")
	if !ok {
		return goal{}, false
	}
	return goal{"recovery within 1 s at a million sessions", v[0] <= 1000, short(v[0]) + " ms to the first answer"}, true
}

// moreIsBetter are the metrics of which a peer should have less.
var moreIsBetter = map[string]bool{perSecond: true, complete: true}

// brokeDown reports whether a peer left streams without their end that the gateway brought to it. Its other figures are then
// those of less work, and compare with nothing.
func (r *report) brokeDown(scenario, peer string) bool {
	v, ok := r.medians(scenario, complete, ours, peer)
	return ok && v[1] < v[0]
}

// peerGoal holds every figure of every table against every peer's.
func peerGoal(r *report) (goal, bool) {
	compared := 0
	var behind []string
	for _, t := range allTables {
		for _, metric := range t.metrics {
			own, ok := r.figure(t.scenario, ours, metric)
			if !ok {
				continue
			}
			for _, peer := range r.Targets {
				theirs, ok := r.figure(t.scenario, peer.Name, metric)
				if !peer.Peer || !ok || metric != complete && r.brokeDown(t.scenario, peer.Name) {
					continue
				}
				compared++
				worse := own.median > theirs.median
				if moreIsBetter[metric] {
					worse = own.median < theirs.median
				}
				if worse {
					behind = append(behind, fmt.Sprintf("%s, %s: %s, %s %s", t.title, metric, short(own.median), peer.Name, short(theirs.median)))
				}
			}
		}
	}
	text := fmt.Sprintf("%d of %d comparisons (a peer that left streams unfinished is compared in that only)", compared-len(behind), compared)
	if len(behind) > 0 {
		text += "; behind in " + strings.Join(behind, "; ")
	}
	return goal{"ahead of every peer in every row", len(behind) == 0, text}, compared > 0
}
