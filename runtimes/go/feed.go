package functions

import (
	"errors"
	"fmt"
	"io"
	"io/ioutil"
	"sync"
	"unicode/utf8"
)

// creditStep: so much of a body was read at least before there is credit for as
// much again.
const creditStep = 65536

var (
	errIncomplete = fmt.Errorf("the request ended before it was complete: %w", io.ErrUnexpectedEOF)
	errUnread     = errors.New("the call is over: its body is gone")
)

// feed is the body of a call that comes as it is read.
type feed struct {
	// grant tells the core that there is room for so many bytes more.
	grant func(bytes int)

	mutex   sync.Mutex
	changed *sync.Cond
	pieces  [][]byte
	// err is what a read says behind the last piece; nil while more may come.
	err error
	// unsaid bytes were read, and the core does not know.
	unsaid int
}

func newFeed(grant func(bytes int)) *feed {
	f := &feed{grant: grant}
	f.changed = sync.NewCond(&f.mutex)
	return f
}

// add takes a piece; an empty one is the end.
func (f *feed) add(piece []byte) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.err != nil {
		return
	}
	if len(piece) == 0 {
		f.err = io.EOF
	} else {
		f.pieces = append(f.pieces, piece)
	}
	f.changed.Broadcast()
}

// end breaks off what has not ended. What came before can be read no more.
func (f *feed) end(reason error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.err == nil {
		f.err, f.pieces = reason, nil
		f.changed.Broadcast()
	}
}

func (f *feed) Read(into []byte) (int, error) {
	length, said, err := f.take(into)
	if said > 0 {
		f.grant(said)
	}
	return length, err
}

// Close is for http.Request.Body.
func (f *feed) Close() error {
	f.end(errUnread)
	return nil
}

func (f *feed) take(into []byte) (length, said int, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for len(f.pieces) == 0 {
		if f.err != nil {
			return 0, 0, f.err
		}
		f.changed.Wait()
	}
	length = copy(into, f.pieces[0])
	if f.pieces[0] = f.pieces[0][length:]; len(f.pieces[0]) == 0 {
		f.pieces[0] = nil
		f.pieces = f.pieces[1:]
	}
	if f.unsaid += length; f.unsaid >= creditStep && f.err == nil {
		said, f.unsaid = f.unsaid, 0
	}
	return length, said, nil
}

// whole reads it to the end, for handlers that take an event.
func (f *feed) whole() (body []byte, form byte, err error) {
	body, err = ioutil.ReadAll(f)
	if utf8.Valid(body) {
		return body, callText, err
	}
	return body, callBytes, err
}
