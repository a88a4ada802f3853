package functions

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
	"unicode/utf8"
)

// unknownBytes is the length of a body that is made piece by piece.
const unknownBytes = 1<<32 - 1

var (
	errLeft = fmt.Errorf("nobody wants the rest of the reply: %w", context.Canceled)
	errOver = errors.New("the call is over: its handler has returned")
)

// stream is where a reply goes that leaves as it is made. Nothing of it has left
// before begin; then each piece waits until the core has given credit for it.
type stream struct {
	calls *calls
	call  *openCall
	ctx   *callContext

	// isBegun is the handler's to look at; the others are under the calls' mutex.
	isBegun bool
	// woken: credit has come, or none will.
	woken    *sync.Cond
	isLate   bool
	deadline *time.Timer
}

// begin sends the head, which is the JSON beside the body, with the body's
// first bytes.
func (s *stream) begin(head, first []byte) error {
	s.isBegun = true
	s.ctx.outlive()
	c, run := s.calls, append(append(make([]byte, 0, len(head)+len(first)), head...), first...)
	length := len(run)
	if length > pieceBytes-runHeadBytes {
		length = pieceBytes - runHeadBytes
	}
	frame := make([]byte, 0, frameHeadBytes+runHeadBytes+length)
	frame = appendHead(frame, runHeadBytes+length, resultFrame, s.call.number)
	frame = appendRunHead(frame, formOf(first), len(head), unknownBytes)
	frame = append(frame, run[:length]...)
	c.mutex.Lock()
	err := s.refusal()
	if err == nil {
		s.call.window -= length
		c.unsent = append(c.unsent, frame)
		c.sendNow()
	}
	c.mutex.Unlock()
	if err != nil || length == len(run) {
		return err
	}
	_, err = s.Write(run[length:])
	return err
}

// formOf tells text from bytes by the beginning of a body, in which the last
// character may be cut.
func formOf(first []byte) byte {
	for cut := 0; cut < utf8.UTFMax && cut <= len(first); cut++ {
		if utf8.Valid(first[:len(first)-cut]) && (cut == 0 || !utf8.FullRune(first[len(first)-cut:])) {
			return formText
		}
	}
	return formBytes
}

// Write sends more of the body. It returns when all of it is on its way.
func (s *stream) Write(data []byte) (int, error) {
	c := s.calls
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for at := 0; at < len(data); {
		room, err := s.room()
		if err != nil {
			return at, err
		}
		if room > len(data)-at {
			room = len(data) - at
		}
		frame := appendHead(make([]byte, 0, frameHeadBytes+room), room, dataFrame, s.call.number)
		c.unsent = append(c.unsent, append(frame, data[at:at+room]...))
		s.call.window -= room
		at += room
		c.sendNow()
	}
	return len(data), nil
}

// awaitRoom returns how many bytes may be made.
func (s *stream) awaitRoom() (int, error) {
	s.calls.mutex.Lock()
	defer s.calls.mutex.Unlock()
	return s.room()
}

// room waits for credit. The mutex is held, here and below.
func (s *stream) room() (int, error) {
	for {
		if err := s.refusal(); err != nil {
			return 0, err
		}
		if s.calls.freely || s.call.window >= pieceBytes {
			return pieceBytes, nil
		}
		if s.call.window > 0 {
			return s.call.window, nil
		}
		if s.woken == nil {
			s.woken = sync.NewCond(&s.calls.mutex)
		}
		s.woken.Wait()
	}
}

// refusal says why nothing more can be sent.
func (s *stream) refusal() error {
	switch {
	case s.call.isCancelled:
		return errLeft
	case s.calls.broken:
		return net.ErrClosed
	case s.calls.open[s.call.number] != s.call:
		return errOver
	case s.isLate:
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (s *stream) wake() {
	if s.woken != nil {
		s.woken.Broadcast()
	}
}

// setDeadline makes what waits then, and what is written later, fail.
func (s *stream) setDeadline(at time.Time) {
	s.calls.mutex.Lock()
	defer s.calls.mutex.Unlock()
	if s.deadline != nil {
		s.deadline.Stop()
	}
	s.deadline = nil
	left := time.Until(at)
	s.isLate = !at.IsZero() && left <= 0
	if s.isLate {
		s.wake()
	} else if !at.IsZero() {
		var timer *time.Timer
		timer = time.AfterFunc(left, func() {
			s.calls.mutex.Lock()
			defer s.calls.mutex.Unlock()
			if s.deadline == timer { // it was not changed meanwhile
				s.isLate = true
				s.wake()
			}
		})
		s.deadline = timer
	}
}

// isLeft: nobody wants the reply.
func (s *stream) isLeft() bool {
	s.calls.mutex.Lock()
	defer s.calls.mutex.Unlock()
	return s.call.isCancelled
}
