package functions

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// gatheredBytes of a body are kept: a reply up to that length leaves whole,
	// when the handler has returned, unless it is flushed.
	gatheredBytes = windowBytes
	// declaredBytes is the same for a reply that says how long it is.
	declaredBytes = 6 << 20
	// unflushedBytes of a reply that leaves as it is made wait for more.
	unflushedBytes = 4096
)

// responder takes what a handler writes. The reply leaves when the handler has
// returned; where the caller may get it as it is made, it does so from the first
// flush on, or once it is long.
type responder struct {
	// stream is nil where the reply can only be sent whole.
	stream *stream
	header http.Header // the handler's, open until the first write
	status int         // 0 until the first write
	sent   http.Header // a copy taken at the first write: later changes do not count
	body   bytes.Buffer
	most   int // a longer body does not wait for its end
	// isAwaited: the head leaves with the first byte, which tells its type.
	isAwaited bool
}

func (r *responder) Header() http.Header { return r.header }

func (r *responder) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as net/http does
	}
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if r.status != 0 || informational {
		return
	}
	r.status = status
	r.sent = http.Header{}
	for name, values := range r.header {
		r.sent[name] = append([]string(nil), values...)
	}
	r.most = gatheredBytes
	if length, err := strconv.Atoi(r.sent.Get("Content-Length")); err == nil && length > 0 && length <= declaredBytes {
		r.most = length
	}
}

func (r *responder) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if !r.mayHaveBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if r.stream != nil && r.stream.isBegun {
		return r.writeOn(data)
	}
	r.body.Write(data)
	if r.stream != nil && (r.isAwaited && r.body.Len() > 0 || r.body.Len() > r.most) {
		if err := r.begin(); err != nil {
			return 0, err
		}
	}
	return len(data), nil
}

// WriteString saves io.WriteString a copy.
func (r *responder) WriteString(text string) (int, error) {
	return r.Write([]byte(text))
}

// Flush sends what there is of the reply.
func (r *responder) Flush() { r.FlushError() }

// FlushError is Flush for http.ResponseController.
func (r *responder) FlushError() error {
	r.WriteHeader(http.StatusOK)
	switch {
	case r.stream == nil || !r.mayHaveBody():
		return nil
	case r.stream.isBegun:
		return r.pass()
	case r.body.Len() == 0 && !isTyped(r.sent):
		r.isAwaited = true
		return nil
	}
	return r.begin()
}

// SetWriteDeadline is for http.ResponseController.
func (r *responder) SetWriteDeadline(at time.Time) error {
	if r.stream == nil {
		return http.ErrNotSupported
	}
	r.stream.setDeadline(at)
	return nil
}

// SetReadDeadline is for http.ResponseController: the request's body is here.
func (r *responder) SetReadDeadline(time.Time) error { return nil }

// EnableFullDuplex is for http.ResponseController, too.
func (r *responder) EnableFullDuplex() error { return nil }

func (r *responder) mayHaveBody() bool {
	return r.status != http.StatusNoContent && r.status != http.StatusNotModified
}

func (r *responder) begin() error {
	head, err := r.head()
	if err != nil {
		return err
	}
	err = r.stream.begin(head, r.body.Bytes())
	r.body = bytes.Buffer{} // a stream needs less
	return err
}

// writeOn keeps a few bytes together, as net/http does.
func (r *responder) writeOn(data []byte) (int, error) {
	if r.body.Len()+len(data) <= unflushedBytes {
		return r.body.Write(data)
	}
	if err := r.pass(); err != nil {
		return 0, err
	}
	if len(data) < unflushedBytes {
		return r.body.Write(data)
	}
	return r.stream.Write(data)
}

func (r *responder) pass() error {
	_, err := r.stream.Write(r.body.Bytes())
	r.body.Reset()
	return err
}

// finish is called when the handler has returned.
func (r *responder) finish() (value, error) {
	r.WriteHeader(http.StatusOK)
	if r.stream != nil && r.stream.isBegun {
		return value{}, r.pass()
	}
	head, err := r.head()
	if err != nil {
		return value{}, err
	}
	return bodyValue(head, r.body.Bytes(), false), nil
}

// head is {statusCode, headers}.
func (r *responder) head() ([]byte, error) {
	return encode(struct {
		StatusCode int                    `json:"statusCode"`
		Headers    map[string]interface{} `json:"headers"`
	}{r.status, replyHeaders(r.sent)})
}

// replyHeaders makes a header that repeats an array. Trailers are left out.
func replyHeaders(header http.Header) map[string]interface{} {
	headers := map[string]interface{}{}
	for name, values := range header {
		switch {
		case len(values) == 0 || strings.HasPrefix(name, http.TrailerPrefix):
		case len(values) == 1:
			headers[name] = values[0]
		default:
			headers[name] = values
		}
	}
	return headers
}

// isTyped: nobody has to look at the body to know its type.
func isTyped(header http.Header) bool {
	return header.Get("Content-Type") != "" || header.Get("Content-Encoding") != ""
}
