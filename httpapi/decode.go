package httpapi

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

const (
	maxBody    = 1 << 20   // bytes of a request's body
	maxMessage = 256 << 10 // bytes of a user's message
	maxPage    = 1000      // entries of a list
)

// chatInput is the body of both chat calls. Pointers tell absent, and null, from empty.
type chatInput struct {
	Message      *string `json:"message"`
	SessionKey   *string `json:"sessionKey"`
	Stream       *bool   `json:"stream"`
	OnDisconnect *string `json:"onDisconnect"`
}

// chatRequest decodes a chat call, and whether it asks for a stream.
func (x *exchange) chatRequest() (req claw.ChatRequest, stream *bool, err error) {
	if req.IdempotencyKey, err = x.idempotencyKey(); err != nil {
		return req, nil, err
	}
	if req.Channel, err = x.channel(); err != nil {
		return req, nil, err
	}
	var in chatInput
	if err = x.readJSON(&in); err != nil {
		return req, nil, err
	}
	if req.Message, err = in.message(); err != nil {
		return req, nil, err
	}
	if in.SessionKey != nil {
		if req.SessionKey, err = validKey("sessionKey", *in.SessionKey); err != nil {
			return req, nil, err
		}
	}
	if in.OnDisconnect != nil {
		switch *in.OnDisconnect {
		case "continue":
		case "cancel":
			req.CancelOnDisconnect = true
		default:
			return req, nil, invalid("onDisconnect", `must be "continue" or "cancel".`)
		}
	}
	return req, in.Stream, nil
}

func (in chatInput) message() (string, error) {
	switch {
	case in.Message == nil:
		return "", invalid("message", "is required: a string of 1 byte to 256 KiB.")
	case len(*in.Message) > maxMessage:
		return "", invalid("message", "is %d bytes long, and must be at most 256 KiB (%d bytes).", len(*in.Message), maxMessage)
	case strings.TrimSpace(*in.Message) == "":
		return "", invalid("message", "must not be blank.")
	case strings.Contains(*in.Message, "\x00"):
		return "", invalid("message", "must not contain the character U+0000.")
	}
	return *in.Message, nil
}

func (x *exchange) idempotencyKey() (string, error) {
	key, given, err := single(x.r.Header, "Idempotency-Key")
	if err != nil || !given {
		return "", err
	}
	printable := strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	if key == "" || len(key) > 255 || !printable {
		return "", invalid("Idempotency-Key", "must be 1 to 255 characters of printable ASCII.")
	}
	return key, nil
}

func (x *exchange) channel() (string, error) {
	channel, given, err := single(x.r.Header, "X-OpenClaw-Channel")
	switch {
	case err != nil:
		return "", err
	case !given:
		return claw.DefaultChannel, nil
	}
	return validChannel("X-OpenClaw-Channel", channel)
}

func validChannel(field, channel string) (string, error) {
	if !claw.ValidChannel(channel) {
		return "", invalid(field,
			"must be 1 to 32 characters: a lower-case letter, then lower-case letters, digits and hyphens.")
	}
	return channel, nil
}

func validKey(field, key string) (string, error) {
	if !claw.ValidSessionKey(key) {
		return "", invalid(field, "must be 1 to %d characters: a letter or digit, then letters, digits and . _ : @ + ~ -",
			claw.MaxSessionKeyLen)
	}
	return key, nil
}

// sessionKey is the key in the request's path.
func (x *exchange) sessionKey() (string, error) { return validKey("session key", x.r.PathValue("key")) }

// messageID is the id in the request's path. One that no message can have needs no look at the store.
func (x *exchange) messageID() (string, error) {
	id := x.r.PathValue("id")
	if !claw.ValidSessionKey(id) { // of the same harmless characters
		return "", claw.Errorf(claw.NotFound, "There is no such message.")
	}
	return id, nil
}

// lastEventID is the number of the event that a client has seen last, 0 for none. The header counts more than the
// parameter: a browser's EventSource repeats its address, and keeps the header up to date.
func (x *exchange) lastEventID() (after int64, err error) {
	q, err := x.query()
	if err != nil {
		return 0, err
	}
	value, given, err := q.get("after")
	if err == nil && given {
		after, err = eventNumber("after", value)
	}
	if err != nil {
		return 0, err
	}
	value, given, err = single(x.r.Header, "Last-Event-ID")
	if err == nil && given {
		after, err = eventNumber("Last-Event-ID", value)
	}
	return after, err
}

func eventNumber(field, value string) (int64, error) {
	n, err := strconv.ParseUint(value, 10, 63) // takes no sign
	if err != nil {
		return 0, invalid(field, "must be the number of an event, a whole number from 0.")
	}
	return int64(n), nil
}

// single returns the value of a header that makes sense once only.
func single(h http.Header, name string) (value string, given bool, err error) {
	values := h.Values(name)
	if len(values) > 1 {
		return "", false, invalid(name, "must be sent once.")
	}
	if len(values) == 0 {
		return "", false, nil
	}
	return values[0], true, nil
}

// query holds the parameters behind the question mark.
type query url.Values

func (x *exchange) query() (query, error) {
	if x.r.URL.RawQuery == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, invalid("query string",
			"must be pairs of name=value, joined by & and percent-encoded. Semicolons do not join.")
	}
	return query(values), nil
}

// get returns the value of a parameter that makes sense once only, and not empty.
func (q query) get(name string) (value string, given bool, err error) {
	values := q[name]
	switch {
	case len(values) == 0:
		return "", false, nil
	case len(values) > 1:
		return "", false, invalid(name, "must be given once.")
	case values[0] == "":
		return "", false, invalid(name, "must not be empty. Leave it out instead.")
	}
	return values[0], true, nil
}

// limit returns how many entries the client wants.
func (q query) limit(fallback int) (int, error) {
	value, given, err := q.get("limit")
	if err != nil || !given {
		return fallback, err
	}
	n, err := strconv.ParseUint(value, 10, 16) // takes no sign, no exponent
	if err != nil || n < 1 || n > maxPage || value[0] == '0' {
		return 0, invalid("limit", "must be a whole number from 1 to %d.", maxPage)
	}
	return int(n), nil
}

// readJSON decodes the request's body into v, a struct, strictly: what it does not understand it refuses.
func (x *exchange) readJSON(v any) error {
	if err := jsonType(x.r.Header); err != nil {
		return err
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	text := strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n")
	switch {
	case strings.HasPrefix(text, "\ufeff"):
		return invalid("body", "must not begin with a byte order mark.")
	case text == "" && len(body) <= 64:
		return invalid("body", "is empty. A JSON object is needed.")
	}
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return badJSON(err)
	}
	if value := jsontext.Value(body); value.Kind() != '{' { // null fits everything
		return invalid("body", "must be a JSON object.")
	}
	return nil
}

// jsonType sees that the body is said to be plain JSON in UTF-8.
func jsonType(h http.Header) error {
	for _, coding := range h["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return claw.Errorf(claw.UnsupportedMediaType,
				"Content-Encoding %.40q is not supported. Send the body as it is.", coding)
		}
	}
	values := h["Content-Type"]
	if len(values) == 1 {
		mediaType, params, err := mime.ParseMediaType(values[0])
		charset, given := params["charset"]
		if err == nil && mediaType == "application/json" && (!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return claw.Errorf(claw.UnsupportedMediaType,
		"Send the body as JSON in UTF-8, with the header Content-Type: application/json.")
}

// readBody returns the request's body, whole. Reading it before anything else happens means that nothing is begun for a
// client that never finishes asking, and that its leaving is noticed from then on.
func (x *exchange) readBody() ([]byte, error) {
	if x.r.ContentLength > maxBody {
		return nil, errTooLarge // before a client that waits to be told "100 Continue" sends it
	}
	_ = x.control.SetReadDeadline(x.begun.Add(x.api.bodyTimeout))
	body := make([]byte, 0, max(x.r.ContentLength, 0)+512)
	src := http.MaxBytesReader(x.w, x.r.Body, maxBody)
	for {
		n, err := src.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, x.badBody(err)
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
	x.bodyRead = true
	_ = x.control.SetReadDeadline(time.Time{}) // or it would end the wait for the answer
	return body, nil
}

var errTooLarge = claw.Errorf(claw.PayloadTooLarge, "The request's body is over 1 MiB.")

// badBody says why a body could not be read. Nothing more can be read from the connection then.
func (x *exchange) badBody(err error) error {
	x.Header().Set("Connection", "close")
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return errTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return claw.Errorf(claw.RequestTimeout, "The request's body did not arrive in %v.", x.api.bodyTimeout)
	}
	return invalid("body", "broke off, or is not framed as its headers say.").Because(err)
}

// badJSON turns an error of the decoder into one that names the field or the offset, and the rule.
func badJSON(err error) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		switch {
		case errors.Is(e, jsontext.ErrDuplicateName):
			return invalid(fieldName(e.JSONPointer), "is given twice.")
		case errors.Is(e, io.ErrUnexpectedEOF):
			return invalid("body", "is malformed JSON: it ends too early, at offset %d.", e.ByteOffset)
		}
		return invalid("body", "is malformed JSON at offset %d: %v.", e.ByteOffset, e.Err)
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return invalid("body", "is not what this call takes.").Because(err)
	}
	name := fieldName(e.JSONPointer)
	switch {
	case errors.Is(e, json.ErrUnknownName):
		return invalid(name, "is no field of this call, which takes message, sessionKey, stream and onDisconnect.")
	case e.JSONPointer == "":
		return invalid("body", "must be a JSON object.")
	case name == "stream":
		return invalid(name, "must be true or false.")
	}
	return invalid(name, "must be a string.")
}

// fieldName is the name of a field, as an error can show it.
func fieldName(p jsontext.Pointer) string {
	name := p.LastToken()
	if len(name) > 64 {
		name = name[:64] + "..."
	}
	return strings.ToValidUTF8(name, "\ufffd")
}
