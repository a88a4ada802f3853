package functions

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
)

// serve reads until the core ends its side. An error says what broke.
func (c *calls) serve() error {
	reader := bufio.NewReaderSize(c.socket, pieceBytes)
	var err error
	for err == nil {
		err = c.readFrame(reader)
	}
	c.mutex.Lock()
	for number, call := range c.open {
		if call.missing > 0 { // the rest never comes
			delete(c.open, number)
		}
	}
	c.freely = true
	for _, call := range c.open {
		call.wake()
		call.endBody(errIncomplete)
	}
	c.mutex.Unlock()
	close(c.ended)
	c.send()
	if _, isOfProtocol := err.(protocolError); isOfProtocol {
		return err
	}
	return nil
}

func (c *calls) readFrame(from *bufio.Reader) error {
	head, err := readHead(from)
	if err != nil {
		return err
	}
	switch head.kind {
	case callFrame:
		return c.readCall(from, head)
	case bodyFrame:
		c.mutex.Lock()
		call := c.open[head.call]
		c.mutex.Unlock()
		if call != nil && call.feed != nil && call.missing == 0 {
			return call.readBody(from, head.length)
		}
		return c.readRun(from, call, head.length)
	case creditFrame:
		if head.length == 4 {
			return c.readCredit(from, head.call)
		}
	case cancelFrame:
		c.cancelCall(head.call)
	case pingFrame:
		c.mutex.Lock()
		c.unsent = append(c.unsent, appendHead(nil, 0, pongFrame, 0))
		c.mutex.Unlock()
		go c.send() // the reader never waits for the core to read
	}
	_, err = from.Discard(head.length)
	return err
}

func (c *calls) readCall(from *bufio.Reader, head frameHead) error {
	var text [runHeadBytes]byte
	if head.length < runHeadBytes {
		return breach("a CALL of %d bytes came", head.length)
	}
	if _, err := io.ReadFull(from, text[:]); err != nil {
		return err
	}
	jsonBytes := int(binary.BigEndian.Uint32(text[1:]))
	missing := jsonBytes
	call := &openCall{number: head.call, form: text[0], jsonBytes: jsonBytes, window: windowBytes}
	if bodyBytes := binary.BigEndian.Uint32(text[5:]); bodyBytes == unknownBytes {
		call.feed = newFeed(func(bytes int) { c.credit(call, bytes) })
	} else {
		missing += int(bodyBytes)
	}
	call.missing = missing
	isTooLarge := int64(missing) > c.bridge.maxBytes
	c.mutex.Lock()
	if c.open[head.call] != nil {
		c.mutex.Unlock()
		return breach("call %d came twice", head.call)
	}
	c.begun++
	if isTooLarge {
		c.fail(head.call, c.bridge.tooLarge())
	} else {
		c.open[head.call] = call
	}
	c.mutex.Unlock()
	if isTooLarge {
		go c.send()
		call = nil
	} else {
		call.run = make([]byte, 0, missing)
	}
	return c.readRun(from, call, head.length-runHeadBytes)
}

// readRun reads more of a call's JSON and body, and starts the call when all
// of it is there. A nil call is over: what still comes for it is skipped.
func (c *calls) readRun(from *bufio.Reader, call *openCall, length int) error {
	if call == nil {
		_, err := from.Discard(length)
		return err
	}
	if length > call.missing || call.out != nil {
		return breach("call %d has more bytes than it said", call.number)
	}
	end := len(call.run) + length
	if _, err := io.ReadFull(from, call.run[len(call.run):end]); err != nil {
		return err
	}
	call.run = call.run[:end]
	call.missing -= length // only the reader looks at it
	if call.missing == 0 {
		c.mutex.Lock()
		call.out = &stream{calls: c, call: call, ctx: newCallContext()}
		c.mutex.Unlock()
		go c.run(call)
	}
	return nil
}

// readBody reads more of a body that comes as it is read.
func (call *openCall) readBody(from *bufio.Reader, length int) error {
	piece := make([]byte, length)
	if _, err := io.ReadFull(from, piece); err != nil {
		return err
	}
	call.feed.add(piece)
	return nil
}

// credit lets the core send more of a body.
func (c *calls) credit(call *openCall, bytes int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.open[call.number] == call {
		frame := appendHead(nil, 4, creditFrame, call.number)
		c.unsent = append(c.unsent, append(frame, byte(bytes>>24), byte(bytes>>16), byte(bytes>>8), byte(bytes)))
		c.sendNow()
	}
}

func (c *calls) readCredit(from *bufio.Reader, number uint32) error {
	var text [4]byte
	if _, err := io.ReadFull(from, text[:]); err != nil {
		return err
	}
	c.mutex.Lock()
	call := c.open[number]
	waits := call != nil && call.hasRest()
	if call != nil {
		call.window += int(binary.BigEndian.Uint32(text[:]))
		call.wake()
	}
	c.mutex.Unlock()
	if waits {
		go c.send()
	}
	return nil
}

// cancelCall ends what has not begun and what only waits for credit; a
// handler that runs is asked to end.
func (c *calls) cancelCall(number uint32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	call := c.open[number]
	if call == nil {
		return
	}
	call.isCancelled = true
	if call.missing > 0 || call.hasRest() {
		call.rest = [2][]byte{}
		c.end(number, appendHead(nil, 0, endFrame, number))
		go c.send()
	} else {
		call.out.ctx.end(context.Canceled)
		call.wake()
		call.endBody(errIncomplete)
	}
}
