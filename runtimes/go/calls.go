package functions

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
)

// calls serves the core's calls on the channel: one goroutine reads frames,
// each call runs on one of its own, and whoever has something to send writes
// all that waits, in one piece.
type calls struct {
	bridge *bridge
	socket net.Conn
	// ended is closed when the core has ended its side.
	ended chan struct{}

	mutex   sync.Mutex
	changed *sync.Cond
	open    map[uint32]*openCall
	begun   uint64
	// unsent are frames that wait; replies are those that have more to send.
	unsent  net.Buffers
	replies []*openCall
	writing bool
	broken  bool
	// freely: nobody gives credit any more.
	freely bool
}

// openCall is a call until its last frame is written down.
type openCall struct {
	number    uint32
	form      byte
	jsonBytes int
	// run is JSON and body, of which missing bytes are still to come.
	run     []byte
	missing int
	// feed is the body, where it comes as it is read.
	feed *feed
	// out is where a reply goes that leaves as it is made; nil before the call is whole.
	out *stream
	// isCancelled: nobody wants the reply.
	isCancelled bool
	// window is how much of the reply may be sent; rest is what was not.
	window int
	rest   [2][]byte
}

func newCalls(socket net.Conn, b *bridge) *calls {
	c := &calls{bridge: b, socket: socket, ended: make(chan struct{}), open: map[uint32]*openCall{}}
	c.changed = sync.NewCond(&c.mutex)
	return c
}

// run makes one call and writes its reply down.
func (c *calls) run(call *openCall) {
	result, err := c.answer(call)
	call.out.ctx.end(context.Canceled)
	call.endBody(errUnread)
	c.mutex.Lock()
	switch {
	case call.isCancelled || err == nil && call.out.isBegun:
		c.end(call.number, appendHead(nil, 0, endFrame, call.number))
	case err != nil:
		c.fail(call.number, err.Error())
	default:
		c.reply(call, result)
	}
	c.mutex.Unlock()
	c.send()
}

func (c *calls) answer(call *openCall) (value, error) {
	body, form := call.run[call.jsonBytes:], call.form
	if call.feed != nil && !c.bridge.takesBodies() {
		var err error
		if body, form, err = call.feed.whole(); err != nil {
			return value{}, err
		}
	}
	received, eventError, err := c.bridge.openCall(call.run[:call.jsonBytes], body, form)
	if event, ok := received.Event.(*httpEvent); ok {
		event.feed = call.feed
	}
	if err != nil {
		return value{}, fmt.Errorf("the call is not the protocol's JSON: %v", err)
	}
	call.run = nil // the event has what it needs
	return c.bridge.run(call.out.ctx, received, eventError, call.out)
}

// reply writes down as much of a result as fits into one frame and the
// window. The mutex is held, here and below.
func (c *calls) reply(call *openCall, result value) {
	others := result.others()
	total := len(others) + len(result.body)
	first := total
	if first > pieceBytes-runHeadBytes {
		first = pieceBytes - runHeadBytes
	}
	call.rest = [2][]byte{others, result.body}
	frame := make([]byte, 0, frameHeadBytes+runHeadBytes+first)
	frame = appendHead(frame, runHeadBytes+first, resultFrame, call.number)
	frame = appendRunHead(frame, result.form, len(others), len(result.body))
	for _, piece := range call.next(first) {
		frame = append(frame, piece...)
	}
	if call.hasRest() {
		c.unsent = append(c.unsent, frame)
		c.replies = append(c.replies, call)
	} else {
		c.end(call.number, frame)
	}
}

func (c *calls) fail(number uint32, message string) {
	text := cutMessage(strings.ToValidUTF8(message, "\uFFFD"))
	c.end(number, append(appendHead(nil, len(text), failedFrame, number), text...))
}

// end writes down the last frame of a call.
func (c *calls) end(number uint32, last []byte) {
	delete(c.open, number)
	c.unsent = append(c.unsent, last)
}

// next takes so many bytes of what is left of a reply.
func (call *openCall) next(length int) [][]byte {
	call.window -= length
	pieces := make([][]byte, 0, 2)
	for at := range call.rest {
		most := len(call.rest[at])
		if most > length {
			most = length
		}
		if most > 0 {
			pieces = append(pieces, call.rest[at][:most])
			call.rest[at] = call.rest[at][most:]
			length -= most
		}
	}
	return pieces
}

func (call *openCall) left() int { return len(call.rest[0]) + len(call.rest[1]) }

func (call *openCall) hasRest() bool { return call.left() > 0 }

func (call *openCall) endBody(reason error) {
	if call.feed != nil {
		call.feed.end(reason)
	}
}

// wake: a stream of the call may go on, or has to end.
func (call *openCall) wake() {
	if call.out != nil {
		call.out.wake()
	}
}

// send writes all that waits, unless another goroutine does that already; then
// that one writes this, too.
func (c *calls) send() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.sendNow()
}

// sendNow is send for those that hold the mutex.
func (c *calls) sendNow() {
	if c.writing {
		return
	}
	c.writing = true
	for {
		c.takeTurns()
		if c.broken { // nobody reads any more
			for _, call := range c.replies {
				delete(c.open, call.number)
			}
			c.unsent, c.replies = nil, nil
		}
		if len(c.unsent) == 0 {
			break
		}
		frames := c.unsent
		c.unsent = nil
		c.mutex.Unlock()
		_, err := frames.WriteTo(c.socket)
		c.mutex.Lock()
		c.broken = err != nil
	}
	c.writing = false
	c.changed.Broadcast()
}

// takeTurns writes down one frame of each long reply whose window allows it.
func (c *calls) takeTurns() {
	waiting := c.replies[:0]
	for _, call := range c.replies {
		length := call.left()
		if length > pieceBytes {
			length = pieceBytes
		}
		if length > call.window && !c.freely {
			length = call.window
		}
		if length > 0 {
			c.unsent = append(c.unsent, appendHead(nil, length, dataFrame, call.number))
			c.unsent = append(c.unsent, call.next(length)...)
			if !call.hasRest() {
				delete(c.open, call.number)
			}
		}
		if call.hasRest() {
			waiting = append(waiting, call)
		}
	}
	for at := len(waiting); at < len(c.replies); at++ {
		c.replies[at] = nil
	}
	c.replies = waiting
}

// counts tells how many calls are open, and how many there were.
func (c *calls) counts() (active int, begun uint64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.open), c.begun
}

// drain waits until every call is over and written, or the context ends.
func (c *calls) drain(ctx context.Context) error {
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-ctx.Done():
			c.mutex.Lock()
			c.changed.Broadcast()
			c.mutex.Unlock()
		case <-stop:
		}
	}()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for ctx.Err() == nil && (c.writing || len(c.open) > 0 || len(c.unsent) > 0) {
		c.changed.Wait()
	}
	return ctx.Err()
}
