//go:build linux

package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"os"
)

// bar is one bar of a plot: a median with the range of its rounds.
type bar struct {
	label string
	figure
	color string
}

// The colours tell ours from plain proxies and peers, also in grey.
const (
	oursColor  = "#2563eb"
	proxyColor = "#94a3b8"
	peerColor  = "#f59e0b"
)

const (
	plotWidth  = 760
	labelWidth = 210
	valueWidth = 90
	barHeight  = 20
	barGap     = 8
	plotTop    = 40
)

// plot draws horizontal bars on a logarithmic scale, since peers can be a hundred times slower. Each scale mark is a power
// of ten. The thin line across a bar's end is the range of its rounds.
func plot(title string, bars []bar) []byte {
	low, high := math.Inf(1), 0.0
	for _, b := range bars {
		low, high = min(low, b.median), max(high, b.max)
	}
	from := math.Floor(math.Log10(low)) // so that the shortest bar has some length
	if math.Log10(low)-from < 0.2 {
		from--
	}
	to := math.Log10(high)
	width := float64(plotWidth - labelWidth - valueWidth)
	x := func(v float64) float64 {
		return labelWidth + width*(math.Log10(max(v, math.Pow(10, from)))-from)/max(to-from, 0.1)
	}
	height := plotTop + len(bars)*(barHeight+barGap) + 24
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">`+"\n", plotWidth, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#ffffff"/><text x="12" y="24" font-size="15" font-weight="600" fill="#0f172a">%s</text>`+"\n", html.EscapeString(title))
	for e := from; e <= to; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#e2e8f0"/><text x="%.1f" y="%d" text-anchor="middle" font-size="11" fill="#64748b">%s</text>`+"\n",
			x(v), x(v), plotTop-4, height-20, x(v), height-6, short(v))
	}
	for i, r := range bars {
		y := plotTop + i*(barHeight+barGap)
		middle := y + barHeight/2
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" fill="#0f172a">%s</text>`, labelWidth-8, middle+5, html.EscapeString(r.label))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`, labelWidth, y, x(r.median)-labelWidth, barHeight, r.color)
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#0f172a"/>`, x(r.min), x(r.max), middle, middle)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" fill="#0f172a">%s</text>`+"\n", x(r.max)+6, middle+5, short(r.median))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func writePlot(path, title string, bars []bar) error {
	return os.WriteFile(path, plot(title, bars), 0o644)
}
