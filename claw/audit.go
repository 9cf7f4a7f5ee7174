package claw

// AuditAction is what an [AuditRecord] tells of.
type AuditAction string

// What is recorded.
const (
	AuditRefused        AuditAction = "refused"         // a request without a valid token, or whose token lacks the permission
	AuditSessionDeleted AuditAction = "session_deleted" // somebody asked for it; Status tells what came of it
	AuditRunCancelled   AuditAction = "run_cancelled"   // likewise
	AuditReloaded       AuditAction = "config_reloaded"
	AuditReloadRefused  AuditAction = "config_refused" // the configuration that was in force stays so
)

// AuditRecord is one thing that an operator may have to account for later. It holds no secret and nothing that was said.
type AuditRecord struct {
	Action    AuditAction
	Token     string // name of the token; "" where there is none
	RequestID string
	Address   string // of the client, without port
	Route     string // as in "DELETE /api/v1/sessions/{key}"
	Target    string // the session's key, or the message's id
	Status    int    // of the answer, as HTTP has it
	Reason    string // of a refusal: "no token", "unknown token", "expired token", "permission"
	Count     int    // how many there were, where several share a record; 0 is one
}

// Auditor keeps audit records. Its methods are safe for concurrent use and never hold a request up for long.
type Auditor interface {
	Audit(r AuditRecord)
}
