package functions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"strings"
	"sync"
)

// gatheredMaxBytes of a body that is made piece by piece can be sent whole.
const gatheredMaxBytes = 32 << 20

// HTTPStreamingResponse is an HTTPResponse whose body leaves as it is read. It is
// closed at the end when it is an io.Closer, also when the caller has left.
type HTTPStreamingResponse struct {
	StatusCode        int
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Body              io.Reader
}

func ofStreaming(response *HTTPStreamingResponse) (value, error) {
	head, err := responseValue(struct {
		StatusCode        int                 `json:"statusCode,omitempty"`
		Headers           map[string]string   `json:"headers,omitempty"`
		MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	}{response.StatusCode, response.Headers, response.MultiValueHeaders}, nil, false)
	head.source = response.Body
	return head, err
}

// read takes the body from its source. It leaves by out as it is read; what is
// there already, or out is nil, is read to the end first.
func (v value) read(out *stream) (value, error) {
	source := v.source
	closer := closing(source)
	defer closer()
	if out == nil || isShort(source) {
		body, err := ioutil.ReadAll(io.LimitReader(source, gatheredMaxBytes+1))
		if err == nil && len(body) > gatheredMaxBytes {
			err = fmt.Errorf("A streamed body of more than %d bytes cannot be gathered", gatheredMaxBytes)
		}
		return bodyValue(v.json, body, false), err
	}
	stopped := make(chan struct{})
	defer close(stopped)
	go func() {
		select {
		case <-out.ctx.Done(): // a read that waits ends
			closer()
		case <-stopped:
		}
	}()
	return v.copy(out, source)
}

// copy reads no more than there is room for.
func (v value) copy(out *stream, source io.Reader) (value, error) {
	if v.isTyped() {
		if err := out.begin(v.json, nil); err != nil {
			return value{}, err
		}
	}
	buffer := make([]byte, pieceBytes)
	for vain := 0; ; vain++ {
		room, err := out.awaitRoom()
		if err != nil {
			return value{}, err
		}
		length, err := source.Read(buffer[:room])
		if length > 0 {
			vain = 0
			if sent := v.pass(out, buffer[:length]); sent != nil {
				return value{}, sent
			}
		}
		switch {
		case err == io.EOF && out.isBegun:
			return value{}, nil
		case err == io.EOF:
			return bodyValue(v.json, nil, false), nil
		case err != nil:
			return value{}, err
		case vain == 100:
			return value{}, io.ErrNoProgress
		}
	}
}

func (v value) pass(out *stream, piece []byte) error {
	if !out.isBegun {
		return out.begin(v.json, piece)
	}
	_, err := out.Write(piece)
	return err
}

func (v value) isTyped() bool {
	var head struct {
		Headers           map[string]string
		MultiValueHeaders map[string][]string
	}
	if json.Unmarshal(v.json, &head) != nil {
		return false
	}
	header := http.Header{}
	for name, value := range head.Headers {
		header.Set(name, value)
	}
	for name, values := range head.MultiValueHeaders {
		for _, value := range values {
			header.Set(name, value)
		}
	}
	return isTyped(header)
}

// isShort: all of it is in memory already, and fits into a reply that leaves whole.
func isShort(source io.Reader) bool {
	switch source := source.(type) {
	case *bytes.Buffer:
		return source.Len() <= gatheredBytes
	case *bytes.Reader:
		return source.Len() <= gatheredBytes
	case *strings.Reader:
		return source.Len() <= gatheredBytes
	}
	return false
}

// closing closes a source once.
func closing(source io.Reader) func() {
	var once sync.Once
	return func() {
		if closer, ok := source.(io.Closer); ok {
			once.Do(func() { closer.Close() })
		}
	}
}
