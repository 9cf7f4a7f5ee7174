package sqlite

import (
	"database/sql"
	"encoding/binary"
	"encoding/json/v2"
	"fmt"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// messageColumns are what scanMessage reads, of messages m.
const messageColumns = `m.id, m.role, m.content, m.status, m.model, m.input_tokens, m.output_tokens, m.estimated,
	m.error, m.created_at`

// scanMessage reads messageColumns, and then more columns of the same row into extra.
func scanMessage(s scanner, extra ...any) (m claw.Message, err error) {
	var input, output sql.NullInt64
	var estimated sql.NullBool
	var failure sql.NullString
	var created int64
	dest := []any{&m.ID, &m.Role, &m.Content, &m.Status, &m.Model, &input, &output, &estimated, &failure, &created}
	if err := s.Scan(append(dest, extra...)...); err != nil {
		return m, err
	}
	if input.Valid {
		m.Usage = &claw.Usage{
			InputTokens: int(input.Int64), OutputTokens: int(output.Int64), Estimated: estimated.Bool,
		}
	}
	m.CreatedAt = fromMicros(created)
	m.Err, err = decodeError(failure)
	return m, err
}

// usageColumns returns what input_tokens, output_tokens and estimated hold for u.
func usageColumns(u *claw.Usage) (input, output sql.NullInt64, estimated sql.NullBool) {
	if u == nil {
		return input, output, estimated
	}
	return sql.NullInt64{Int64: int64(u.InputTokens), Valid: true},
		sql.NullInt64{Int64: int64(u.OutputTokens), Valid: true},
		sql.NullBool{Bool: u.Estimated, Valid: true}
}

// storedError is what is kept of a [claw.Error]: all but its internal cause, which is the log's matter.
type storedError struct {
	Code       claw.Code   `json:"code"`
	Message    string      `json:"message"`
	Reason     claw.Reason `json:"reason,omitzero"`
	RetryAfter int64       `json:"retryAfterMicros,omitzero"`
}

func encodeError(e *claw.Error) (sql.NullString, error) {
	if e == nil {
		return sql.NullString{}, nil
	}
	text, err := json.Marshal(storedError{e.Code, e.Message, e.Reason, e.RetryAfter.Microseconds()})
	if err != nil {
		return sql.NullString{}, fmt.Errorf("encoding an answer's error: %w", err)
	}
	return sql.NullString{String: string(text), Valid: true}, nil
}

func decodeError(text sql.NullString) (*claw.Error, error) {
	if !text.Valid {
		return nil, nil
	}
	var e storedError
	if err := json.Unmarshal([]byte(text.String), &e); err != nil {
		return nil, fmt.Errorf("decoding an answer's error: %w", err)
	}
	return &claw.Error{
		Code: e.Code, Message: e.Message, Reason: e.Reason,
		RetryAfter: time.Duration(e.RetryAfter) * time.Microsecond,
	}, nil
}

// encodeDeltas refuses lengths that do not cut a text of size bytes into deltas: stored, they could not be replayed.
func encodeDeltas(lengths []int, size int) ([]byte, error) {
	encoded := make([]byte, 0, len(lengths))
	sum := 0
	for _, n := range lengths {
		if n < 1 || n > size-sum {
			return nil, fmt.Errorf("a delta of %d bytes does not fit at byte %d of a text of %d", n, sum, size)
		}
		sum += n
		encoded = binary.AppendUvarint(encoded, uint64(n))
	}
	if sum != size {
		return nil, fmt.Errorf("deltas of %d bytes do not make up a text of %d", sum, size)
	}
	return encoded, nil
}

func decodeDeltas(encoded []byte) ([]int, error) {
	lengths := make([]int, 0, len(encoded))
	for len(encoded) > 0 {
		v, n := binary.Uvarint(encoded)
		if n <= 0 {
			return nil, fmt.Errorf("the lengths of a run's deltas are damaged at byte %d from their end", len(encoded))
		}
		lengths = append(lengths, int(v))
		encoded = encoded[n:]
	}
	return lengths, nil
}

func toMicros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
