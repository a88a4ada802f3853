package functions

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of a call on the channel. It ends when nobody
// wants the reply, and at the deadline: until the head of a stream has left.
// From then on the core says how long the stream may take.
type callContext struct {
	done       chan struct{}
	invocation interface{} // an Invocation
	output     *output     // nil when nobody takes reports

	mutex    sync.Mutex
	err      error
	deadline time.Time
	timer    *time.Timer
}

func newCallContext() *callContext { return &callContext{done: make(chan struct{})} }

func (c *callContext) begin(invocation Invocation, output *output) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.invocation, c.output, c.deadline = invocation, output, invocation.Deadline
	if !c.deadline.IsZero() {
		c.timer = time.AfterFunc(time.Until(c.deadline), func() { c.end(context.DeadlineExceeded) })
	}
}

// outlive lets it go on past the deadline.
func (c *callContext) outlive() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.stopTimer()
	c.deadline = time.Time{}
}

// end is done once: the first reason counts.
func (c *callContext) end(reason error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.err != nil {
		return
	}
	c.err = reason
	c.stopTimer()
	close(c.done)
}

func (c *callContext) stopTimer() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

func (c *callContext) Deadline() (at time.Time, isGiven bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.deadline, !c.deadline.IsZero()
}

func (c *callContext) Done() <-chan struct{} { return c.done }

func (c *callContext) Err() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.err
}

func (c *callContext) Value(key interface{}) interface{} {
	switch key.(type) {
	case invocationKey:
		return c.invocation
	case outputKey:
		if c.output != nil {
			return c.output
		}
	}
	return nil
}
