package call

import (
	"context"
	"errors"
	"net"

	"github.com/openclaw/openclaw/claw"
)

// Answer is what the vendors' protocols have in common while they read an answer: they embed it.
type Answer struct {
	In, Out *int64 // the provider's own count of tokens; nil where it gave none
	Bytes   int    // of text so far

	endpoint    *Endpoint
	model       string
	promptBytes int // not the prompt: it may be long, and the answer takes its time
}

// Text returns the chunk that s makes, and counts it.
func (a *Answer) Text(s string) claw.Chunk {
	a.Bytes += len(s)
	return claw.Chunk{Text: s}
}

// Whole makes chunk the last of a whole answer.
func (a *Answer) Whole(chunk claw.Chunk, stop claw.StopReason) claw.Chunk {
	chunk.Stop, chunk.Usage = stop, a.usage()
	return chunk
}

// Failed returns the error that ends the answer, with what the provider said for the log.
func (a *Answer) Failed(reason claw.Reason, said []byte) *claw.Error {
	return a.endpoint.failed(reason, a.model).Because(errors.New("in the stream: " + a.endpoint.excerpt(said)))
}

// End is false, as it is for every vendor with a terminal event; see [Protocol].
func (a *Answer) End() (claw.Chunk, bool) { return claw.Chunk{}, false }

// usage returns the provider's figures, of which one that cannot be (negative, or 0 for something that is not empty)
// counts as not given. It is nil where none is given. A missing half is estimated and the whole marked so, since half a
// figure would pass for a true one.
func (a *Answer) usage() *claw.Usage {
	inGiven := a.In != nil && *a.In > 0
	outGiven := a.Out != nil && (*a.Out > 0 || *a.Out == 0 && a.Bytes == 0)
	switch {
	case inGiven && outGiven:
		return &claw.Usage{InputTokens: int(*a.In), OutputTokens: int(*a.Out)}
	case inGiven:
		return &claw.Usage{InputTokens: int(*a.In), OutputTokens: claw.EstimateTokens(a.Bytes), Estimated: true}
	case outGiven && *a.Out > 0:
		return &claw.Usage{InputTokens: claw.EstimateTokens(a.promptBytes), OutputTokens: int(*a.Out), Estimated: true}
	default:
		return nil
	}
}

// relay yields chunks until the answer is whole, or fails, or the caller has enough. It leaves it to Stream to yield the
// error, behind the end of the connection.
func (a *Answer) relay(
	ctx context.Context, in *events, p Protocol, yield func(claw.Chunk, error) bool,
) (whole bool, err error) {
	for {
		data, err := in.next()
		if err != nil {
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
			last, ok := p.End()
			if !ok {
				return false, a.broken(err)
			}
			yield(last, nil)
			return true, nil
		}
		var chunk claw.Chunk
		if len(data) > 0 {
			if chunk, err = p.Event(data); err != nil {
				return false, a.misread(err, data)
			}
		}
		more := yield(chunk, nil)
		if !more || chunk.Stop != "" {
			return chunk.Stop != "", nil
		}
	}
}

// broken returns the error of an answer whose connection has no more to give.
func (a *Answer) broken(cause error) *claw.Error {
	if errors.Is(cause, errLongLine) {
		return a.endpoint.garbage(cause)
	}
	reason := claw.ReasonTruncated
	if n, ok := errors.AsType[net.Error](cause); ok && n.Timeout() {
		reason = claw.ReasonTimeout
	}
	return a.endpoint.failed(reason, a.model).Because(cause)
}

func (a *Answer) misread(err error, data []byte) *claw.Error {
	if own, ok := errors.AsType[*claw.Error](err); ok {
		return own
	}
	return a.endpoint.garbage(errors.New("not understood: " + a.endpoint.excerpt(data)))
}
