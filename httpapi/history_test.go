package httpapi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
)

// partly answers as the store does: no more content than asked for, the oldest of it first.
func partly(all []claw.Message, asked *int) func(string, claw.HistoryQuery) ([]claw.Message, error) {
	return func(_ string, q claw.HistoryQuery) ([]claw.Message, error) {
		*asked++
		at := func(id string) int { return slices.IndexFunc(all, func(m claw.Message) bool { return m.ID == id }) }
		page := all
		if q.Before != "" {
			page = all[:at(q.Before)]
		}
		if q.After != "" {
			page = page[at(q.After)+1:]
			page = page[:min(len(page), q.Limit)]
		} else {
			page = page[max(0, len(page)-q.Limit):]
		}
		bytes := 0
		for i, m := range page {
			if bytes += len(m.Content); bytes >= q.MaxBytes {
				return page[:i+1], nil
			}
		}
		return page, nil
	}
}

func TestLongHistoriesComeInParts(t *testing.T) {
	var all []claw.Message
	for i := range 40 {
		all = append(all, claw.Message{
			ID: fmt.Sprint("msg_", i), Role: claw.RoleUser, Content: strings.Repeat("\"", i), Status: claw.StatusComplete, CreatedAt: born,
		})
	}
	for _, c := range []struct {
		limit, part, asked int
		before             string
	}{
		{40, 1 << 20, 1, ""}, // for comparison
		{40, 100, 7, ""}, {40, 1, 39, ""}, {39, 100, 7, ""}, {7, 100, 3, ""}, {1, 1, 1, ""}, {1000, 100, 8, ""},
		{1000, 100, 2, "&before=msg_20"}, {5, 30, 3, "&before=msg_20"},
	} {
		asked := 0
		bodies := map[int]string{}
		for _, part := range []int{1 << 20, c.part} {
			g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.HistoryPart = part })
			asked = 0
			g.chat.history = partly(all, &asked)
			r := g.do("GET", fmt.Sprintf("/api/v1/sessions/any/history?limit=%d%s", c.limit, c.before), "")
			r.mustBe(t, 200)
			bodies[part] = string(r.body)
		}
		if bodies[c.part] != bodies[1<<20] || len(bodies[c.part]) < min(c.limit, 40) {
			t.Errorf("%+v: %d bytes, and at once %d", c, len(bodies[c.part]), len(bodies[1<<20]))
		}
		if asked != c.asked {
			t.Errorf("%+v: asked %d times", c, asked)
		}
	}
}

// TestALongHistoryThatBreaksOff has the session deleted, or the store fail, behind the first part.
func TestALongHistoryThatBreaksOff(t *testing.T) {
	for _, failure := range []error{claw.Errorf(claw.NotFound, "There is no such session."), errors.New("disk")} {
		g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.HistoryPart = 1 })
		g.chat.history = func(_ string, q claw.HistoryQuery) ([]claw.Message, error) {
			if q.After != "" {
				return nil, failure
			}
			return []claw.Message{{ID: "msg_1", Role: claw.RoleUser, Content: strings.Repeat("x", 1<<20), Status: claw.StatusComplete, CreatedAt: born}}, nil
		}
		resp := g.stream(g.request("GET", "/api/v1/sessions/any/history", ""))
		if text, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v: %q, %v", failure, text, err)
		}
	}
}
