package httpapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
	"github.com/openclaw/openclaw/spec/spectest"
)

// The table of routes and the document know the same operations, and agree on who needs a token.
func TestRoutesAreTheDocuments(t *testing.T) {
	doc, err := spectest.Document()
	if err != nil {
		t.Fatal(err)
	}
	routed := map[string]httpapi.Operation{}
	for _, op := range httpapi.Operations() {
		routed[op.Method+" "+op.Pattern+" "+op.ID] = op
	}
	documented := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path + " " + op.OperationID
			documented[name] = true
			rt, there := routed[name]
			if !there {
				t.Errorf("%s is documented and has no route", name)
				continue
			}
			if public := op.Security != nil && len(*op.Security) == 0; public != rt.Public {
				t.Errorf("%s: public in the document %v, in the table %v", name, public, rt.Public)
			}
			for _, p := range rt.AnyOf {
				if !strings.Contains(op.Description, "`"+string(p)+"`") {
					t.Errorf("%s: the description does not name the permission %s", name, p)
				}
			}
			for _, status := range []string{"401", "429"} {
				if (op.Responses.Value(status) == nil) != rt.Public {
					t.Errorf("%s: %s documented %v", name, status, !rt.Public)
				}
			}
			if (op.Responses.Value("403") != nil) != (len(rt.AnyOf) > 0) {
				t.Errorf("%s: 403 documented where no permission is needed, or the other way round", name)
			}
		}
	}
	for name := range routed {
		if !documented[name] {
			t.Errorf("%s has a route and is not documented", name)
		}
	}
}

// Every route, with every kind of caller that must not pass, and with one that may.
func TestEveryRouteIsGuarded(t *testing.T) {
	g := open(t)
	g.chat.message = func(id string) (claw.MessageView, error) { return view(id), nil }
	g.chat.cancel = g.chat.message
	byPermission := map[claw.Permission]string{claw.PermissionChat: chatToken, claw.PermissionSessions: sessionsToken}
	for _, op := range httpapi.Operations() {
		t.Run(op.ID, func(t *testing.T) {
			path := strings.NewReplacer("{key}", "session_abc123", "{id}", "msg_123").Replace(op.Pattern)
			body := ""
			if strings.HasPrefix(op.ID, "chat") {
				body = `{"message":"hi"}`
			}
			if op.Public {
				g.do(op.Method, path, body, "Authorization:").mustBe(t, 200)
				g.do(op.Method, path, body, "Authorization: Bearer wrong").mustBe(t, 200)
				return
			}
			none := g.do(op.Method, path, body, "Authorization:")
			none.mustFail(t, 401, claw.Unauthorized, "Authorization: Bearer")
			g.do(op.Method, path, body, "Authorization: Bearer wrong").mustFail(t, 401, claw.Unauthorized, "invalid")
			if len(op.AnyOf) > 0 {
				lacking := g.do(op.Method, path, body, "Authorization: Bearer "+idleToken)
				for _, p := range op.AnyOf {
					lacking.mustFail(t, 403, claw.Forbidden, `"`+string(p)+`"`)
				}
			}
			for _, p := range claw.Permissions() {
				r := g.do(op.Method, path, body, "Authorization: Bearer "+byPermission[p])
				if len(op.AnyOf) == 0 || slices.Contains(op.AnyOf, p) {
					if r.StatusCode >= 300 {
						t.Errorf("with %s: status %d\n%s", p, r.StatusCode, r.body)
					}
				} else {
					r.mustFail(t, 403, claw.Forbidden)
				}
			}
		})
	}
}

// A session of another workspace and one that does not exist are told apart by nothing but the request's id.
func TestAnotherWorkspaceIsNowhere(t *testing.T) {
	g := open(t)
	for _, path := range []string{"/api/v1/sessions/%s", "/api/v1/sessions/%s/history"} {
		foreign := g.do("GET", strings.Replace(path, "%s", "session_abc123", 1), "", "Authorization: Bearer "+otherToken)
		absent := g.do("GET", strings.Replace(path, "%s", "session_nowhere", 1), "")
		foreign.mustFail(t, 404, claw.NotFound)
		if string(foreign.body) != string(absent.body) {
			t.Errorf("%s: %s differs from %s", path, foreign.body, absent.body)
		}
	}
}

func view(id string) claw.MessageView {
	return claw.MessageView{
		Message: claw.Message{
			ID: id, Role: claw.RoleAssistant, Content: "The morning", Status: claw.StatusIncomplete, CreatedAt: born,
		},
		SessionKey: "session_abc123", Running: true,
	}
}
