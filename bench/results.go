//go:build linux

package main

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// results is all that a run measured, and on what.
type results struct {
	Begun   time.Time    `json:"begun"`
	Took    float64      `json:"took"` // seconds
	Quick   bool         `json:"quick"`
	Machine machine      `json:"machine"`
	Targets []targetInfo `json:"targets"`
	Samples []sample     `json:"samples"`
	Notes   []string     `json:"notes"`
}

// sample is one figure of one round.
type sample struct {
	Scenario string  `json:"scenario"`
	Target   string  `json:"target"`
	Metric   string  `json:"metric"`
	Value    float64 `json:"value"`
}

type targetInfo struct {
	Name    string `json:"name"`
	What    string `json:"what"`
	Version string `json:"version"`
	Peer    bool   `json:"peer"`
}

type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Load   string `json:"load"` // when the run began
}

func newResults() *results {
	r := &results{Begun: time.Now().UTC().Truncate(time.Second)}
	r.Machine = machine{
		CPU: cpuName(), Cores: runtime.NumCPU(), Go: runtime.Version(),
		Memory: fmt.Sprintf("%.0f GiB", procField("/proc/meminfo", "MemTotal:")/(1<<20)),
	}
	if out, err := exec.Command("uname", "-sr").Output(); err == nil {
		r.Machine.Kernel = strings.TrimSpace(string(out))
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.Machine.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	return r
}

func cpuName() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // a report without the name is still a report
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// add notes a figure. NaN says that there is none.
func (r *results) add(scenario, target, metric string, value float64) {
	if !math.IsNaN(value) {
		r.Samples = append(r.Samples, sample{scenario, target, metric, value})
	}
}

func (r *results) save(path string) error {
	text, err := json.Marshal(r, jsontext.WithIndent("\t"))
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func loadResults(path string) (*results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &results{}
	return r, json.Unmarshal(text, r)
}

// figure is the rounds of one metric taken together.
type figure struct {
	median, min, max float64
	rounds           int
}

// values returns a metric of all rounds, in their order.
func (r *results) values(scenario, target, metric string) (vs []float64) {
	for _, s := range r.Samples {
		if s.Scenario == scenario && s.Target == target && s.Metric == metric {
			vs = append(vs, s.Value)
		}
	}
	return vs
}

// figure returns a figure, and false where nothing was measured.
func (r *results) figure(scenario, target, metric string) (figure, bool) {
	vs := r.values(scenario, target, metric)
	if len(vs) == 0 {
		return figure{}, false
	}
	slices.Sort(vs)
	if metric == perStream { // only the first round meets a process that has not grown yet
		most := vs[len(vs)-1]
		return figure{most, most, most, 1}, true
	}
	return figure{quantile(vs, 0.5), vs[0], vs[len(vs)-1], len(vs)}, true
}

// quantile of sorted values, between the two nearest.
func quantile[T ~int64 | ~float64](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + T((at-float64(low))*float64(sorted[high]-sorted[low]))
}

// pMillis returns a quantile of durations, in milliseconds.
func pMillis(ds []time.Duration, q float64) float64 {
	s := slices.SortedFunc(slices.Values(ds), cmp.Compare[time.Duration])
	return float64(quantile(s, q)) / float64(time.Millisecond)
}
