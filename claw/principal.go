package claw

import "slices"

// Permission is what a token may be allowed to do.
type Permission string

// The permissions a token can have.
const (
	PermissionChat     Permission = "chat"     // send messages, cancel runs, read the messages it can name
	PermissionSessions Permission = "sessions" // list, read and delete sessions
)

// Permissions lists every permission there is, in the order in which they are documented.
func Permissions() []Permission { return []Permission{PermissionChat, PermissionSessions} }

// DefaultWorkspace is the workspace of a token that names none.
const DefaultWorkspace = "default"

// Principal is who a request acts for. It is an argument wherever it matters, never ambient state.
type Principal struct {
	Name        string // the token's name, unique in the configuration
	Workspace   string // the boundary of what it can see
	Permissions []Permission
}

// May reports whether p has permission x.
func (p Principal) May(x Permission) bool { return slices.Contains(p.Permissions, x) }
