package httpapi

import (
	"encoding/json/jsontext"
	"time"

	"github.com/openclaw/openclaw/claw"
)

func (a *API) getStatus(x *exchange) (answer, error) {
	s, err := a.status(x.r.Context(), x.who)
	if err != nil {
		return nil, err
	}
	body := statusBody{
		Status:         "healthy",
		Reasons:        s.Reasons,
		Version:        s.Version,
		Uptime:         int64(s.Uptime / time.Second),
		ActiveSessions: s.ActiveSessions,
		Model:          modelBody{s.Provider, s.Model},
	}
	if len(s.Reasons) > 0 {
		body.Status = "degraded"
	}
	return answerJSON(body), nil
}

func (a *API) getOpenAPI(*exchange) (answer, error) {
	return answerJSON(jsontext.Value(a.openapi)), nil
}

func (a *API) healthz(*exchange) (answer, error) { return answerJSON(probeBody{"ok"}), nil }

// readyz tells the outside nothing but yes or no; the log has the cause.
func (a *API) readyz(*exchange) (answer, error) {
	if err := a.ready(); err != nil {
		return nil, claw.Errorf(claw.Unavailable, "The gateway is not ready.").Because(err)
	}
	return answerJSON(probeBody{"ready"}), nil
}
