package functions

import (
	"context"
	"time"
)

// Invocation is what a handler can learn about the call it serves.
type Invocation struct {
	FunctionName    string
	FunctionVersion string
	MemoryLimitInMB int
	InvocationID    string
	// Deadline is when the core stops waiting; zero when it named none.
	Deadline time.Time
	// Traceparent continues the caller's trace (W3C Trace Context).
	Traceparent string
	// Replay is true when a recorded event is run again.
	Replay bool
}

type invocationKey struct{}

// FromContext returns the invocation that ctx belongs to. It works on the
// context of a Lambda-style handler and on that of an *http.Request.
func FromContext(ctx context.Context) (Invocation, bool) {
	invocation, ok := ctx.Value(invocationKey{}).(Invocation)
	return invocation, ok
}

// withInvocation returns a context that ends at the invocation's deadline.
func withInvocation(parent context.Context, invocation Invocation, output *output) (context.Context, context.CancelFunc) {
	ctx := context.WithValue(parent, invocationKey{}, invocation)
	if output != nil {
		ctx = context.WithValue(ctx, outputKey{}, output)
	}
	if invocation.Deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, invocation.Deadline)
}

// wireContext is the "context" member of the protocol.
type wireContext struct {
	FunctionName    string  `json:"functionName"`
	FunctionVersion string  `json:"functionVersion"`
	MemoryInMB      float64 `json:"memoryInMb"`
	InvocationID    string  `json:"invocationId"`
	DeadlineMs      float64 `json:"deadlineMs"`
	Replay          bool    `json:"replay"`
	Trace           struct {
		Traceparent string `json:"traceparent"`
	} `json:"trace"`
}

func (wire wireContext) invocation() Invocation {
	invocation := Invocation{
		FunctionName:    wire.FunctionName,
		FunctionVersion: wire.FunctionVersion,
		MemoryLimitInMB: int(wire.MemoryInMB),
		InvocationID:    wire.InvocationID,
		Traceparent:     wire.Trace.Traceparent,
		Replay:          wire.Replay,
	}
	if wire.DeadlineMs > 0 {
		ms := int64(wire.DeadlineMs)
		invocation.Deadline = time.Unix(ms/1000, ms%1000*int64(time.Millisecond))
	}
	return invocation
}
