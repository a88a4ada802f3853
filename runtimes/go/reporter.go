package functions

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// unreadMaxBytes is how much may wait for a reader that sleeps.
const unreadMaxBytes = 8 * 1024 * 1024

// reporter is the core's end of the descriptor: one JSON record a line. It never
// waits for the reader: past unreadMaxBytes unread, log lines are dropped, and
// their number is reported as soon as the reader has caught up. A reader that is
// gone costs the lines, not the process. A nil reporter takes nothing.
type reporter struct {
	to      io.Writer
	mutex   sync.Mutex
	changed *sync.Cond
	unsent  []byte
	sending bool
	closed  bool
	dropped int
}

// record is one line. Only one member is set, but for a load report.
type record struct {
	Loaded  *bool   `json:"loaded,omitempty"`
	Error   string  `json:"error,omitempty"`
	Runtime string  `json:"runtime,omitempty"`
	Bodies  bool    `json:"bodies,omitempty"`
	Calls   int     `json:"calls,omitempty"`
	Settled string  `json:"settled,omitempty"`
	Dropped int     `json:"dropped,omitempty"`
	Log     *logged `json:"log,omitempty"`
}

type logged struct {
	Stream       string `json:"stream"`
	Level        string `json:"level,omitempty"`
	InvocationID string `json:"invocationId,omitempty"`
	TraceID      string `json:"traceId,omitempty"`
	Line         string `json:"line"`
	Stack        string `json:"stack,omitempty"`
}

func openReporter(to io.Writer) *reporter {
	c := &reporter{to: to}
	c.changed = sync.NewCond(&c.mutex)
	go c.send()
	return c
}

func (c *reporter) write(r record) {
	if c == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return
	}
	if r.Log != nil && len(c.unsent) > unreadMaxBytes {
		c.dropped++
		return
	}
	c.tellDropped()
	c.unsent = append(c.unsent, textOf(r)...)
	c.changed.Broadcast()
}

func (c *reporter) tellDropped() {
	if c.dropped > 0 {
		c.unsent = append(c.unsent, textOf(record{Dropped: c.dropped})...)
		c.dropped = 0
	}
}

func textOf(r record) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.Encode(r) // ends the line; strings are all there is, which cannot fail
	return text.Bytes()
}

// send is the only writer of the descriptor.
func (c *reporter) send() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for !c.closed {
		if len(c.unsent) == 0 {
			c.changed.Wait()
			continue
		}
		text := c.unsent
		c.unsent, c.sending = nil, true
		c.mutex.Unlock()
		_, err := c.to.Write(text)
		c.mutex.Lock()
		c.sending, c.closed = false, err != nil
		if len(c.unsent) == 0 {
			c.tellDropped()
		}
		c.changed.Broadcast()
	}
	c.unsent = nil
}

// drain waits until everything is sent, or for that long.
func (c *reporter) drain(longest time.Duration) {
	if c == nil {
		return
	}
	expired := false
	timer := time.AfterFunc(longest, func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		expired = true
		c.changed.Broadcast()
	})
	defer timer.Stop()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for !expired && !c.closed && (c.sending || len(c.unsent) > 0) {
		c.changed.Wait()
	}
}
