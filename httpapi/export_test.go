package httpapi

import (
	"net"

	"github.com/openclaw/openclaw/claw"
)

// Operation is a route as the tests see it.
type Operation struct {
	Method, Pattern, ID string
	Public              bool
	AnyOf               []claw.Permission
}

// Operations lists the routing table.
func Operations() []Operation {
	ops := make([]Operation, len(routes))
	for i, rt := range routes {
		ops[i] = Operation{rt.method, rt.pattern, rt.operation, rt.access.kind == everybody, rt.access.anyOf}
	}
	return ops
}

// Admit counts a connection from remote.
func (l *Listener) Admit(remote net.Addr) (party string, ok bool) { return l.admit(remote) }
