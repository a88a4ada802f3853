package functions

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const eventStream = `{"statusCode":200,"headers":{"Content-Type":"text/event-stream"}}`

// flushed writes what comes on pieces, and flushes each.
func flushed(pieces <-chan string, told chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for piece := range pieces {
			if piece == "panic" {
				panic("boom")
			}
			_, err := io.WriteString(w, piece)
			if err == nil {
				err = w.(interface{ FlushError() error }).FlushError()
			}
			if told != nil {
				told <- err
			}
		}
	}
}

func httpCall(p *peer, number uint32) {
	p.call(number, 0, `{"event":{"httpMethod":"GET","path":"/"}}`, "")
}

func TestAFailureBeforeAnythingLeftIsAnError(t *testing.T) {
	for title, handler := range map[string]interface{}{
		"a panic":               func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "lost"); panic("no luck") },
		"behind an empty flush": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); panic("no luck") },
		"of the first read":     func() (io.Reader, error) { return failing{}, nil },
		"of a response":         func() (*HTTPStreamingResponse, error) { return &HTTPStreamingResponse{Body: failing{}}, nil },
	} {
		p := converse(t, handler, 1000)
		httpCall(p, 1)
		t.Run(title, func(t *testing.T) { p.t = t; p.expect("20 for 1: no luck") })
		p.socket.Close()
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no luck") }

func TestAFailureBehindTheHeadBreaksTheReplyOff(t *testing.T) {
	pieces := make(chan string, 2)
	pieces <- "a"
	pieces <- "panic"
	p := converse(t, flushed(pieces, nil), 1000)
	httpCall(p, 1)
	p.expect("result 1 for 1: " + eventStream + "|")
	p.expect("18 for 1: a")
	p.expect("20 for 1: boom")

	p = converse(t, func() (HTTPStreamingResponse, error) {
		return HTTPStreamingResponse{StatusCode: 201, Body: io.MultiReader(strings.NewReader("a"), failing{})}, nil
	}, 1000)
	httpCall(p, 1)
	p.expect(`result 1 for 1: {"statusCode":201}|a`)
	p.expect("20 for 1: no luck")
}

func TestEachPieceLeavesWhenItIsFlushed(t *testing.T) {
	pieces, told := make(chan string), make(chan error, 9)
	p := converse(t, flushed(pieces, told), 1000)
	httpCall(p, 1)
	p.expect("result 1 for 1: " + eventStream + "|")
	for _, piece := range []string{"a", "bc"} {
		pieces <- piece
		p.expect("18 for 1: " + piece)
		if err := <-told; err != nil {
			t.Fatal(err)
		}
	}
	close(pieces)
	p.expect("19 for 1: ")
}

func TestWithoutATypeTheFirstPieceTellsTheForm(t *testing.T) {
	for first, form := range map[string]byte{"é": formText, "a\xc3": formText, "\xff": formBytes, "\xc3a": formBytes, "a\xe2\x82": formText} {
		first := first
		p := converse(t, func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, first)
			io.WriteString(w, "more")
		}, 1000)
		httpCall(p, 1)
		p.expect(fmt.Sprintf("result %d for 1: {\"statusCode\":200,\"headers\":{}}|%s", form, first))
		p.expect("18 for 1: more")
		p.expect("19 for 1: ")
	}
}

func TestALongReplyDoesNotWaitForItsEnd(t *testing.T) {
	long := strings.Repeat("x", 1000)
	p := converse(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/declared" {
			w.Header().Set("Content-Length", "300000")
		}
		for i := 0; i < 300; i++ {
			io.WriteString(w, long)
		}
	}, 1000)
	for path, isUnknown := range map[string]bool{"/": true, "/declared": false} {
		p.call(1, 0, `{"event":{"httpMethod":"GET","path":"`+path+`"}}`, "")
		head, payload := p.read()
		if got := string(payload[5:9]) == "\xff\xff\xff\xff"; head.kind != resultFrame || got != isUnknown {
			t.Errorf("%s: expected a result of unknown length: %t, got %t", path, isUnknown, got)
		}
		p.frame(creditFrame, 1, []byte{0, 1, 0, 0})
		got := len(payload) - runHeadBytes - strings.Index(string(payload[runHeadBytes:]), "xxx")
		for got < 300000 {
			head, payload := p.read()
			if head.kind != dataFrame {
				t.Fatalf("%s: a frame of type %d came after %d bytes", path, head.kind, got)
			}
			got += len(payload)
		}
		if isUnknown {
			p.expect("19 for 1: ")
		}
	}
}

func TestWithoutCreditNothingIsMade(t *testing.T) {
	made := make(chan int, 1000)
	p := converse(t, func() (io.Reader, error) { return counting(made), nil }, 1000)
	p.call(1, 0, "{}", "")
	received := -len("{}")
	for received < windowBytes-len("{}") {
		head, payload := p.read()
		received += len(payload)
		if head.kind == resultFrame {
			received -= runHeadBytes
		}
	}
	p.call(2, 0, "{}", "") // served meanwhile
	for _, payload := p.read(); len(payload) == 0; _, payload = p.read() {
	}
	total := 0
	for len(made) > 0 {
		total += <-made
	}
	if total > 2*windowBytes { // of both
		t.Errorf("%d bytes were made", total)
	}
	p.frame(creditFrame, 1, []byte{0, 0, 0, 5})
	for {
		head, payload := p.read()
		if head.call == 1 {
			if len(payload) != 5 {
				t.Errorf("%d bytes came", len(payload))
			}
			break
		}
	}
	p.frame(cancelFrame, 1, nil)
	p.frame(cancelFrame, 2, nil)
	for ended := 0; ended < 2; {
		if head, _ := p.read(); head.kind == endFrame {
			ended++
		}
	}
}

type counting chan<- int

func (c counting) Read(into []byte) (int, error) {
	c <- len(into)
	return len(into), nil
}

func TestAShortReaderLeavesWhole(t *testing.T) {
	p := converse(t, func() (io.Reader, error) { return strings.NewReader("short"), nil }, 1000)
	p.call(1, 0, "{}", "")
	p.expect("result 1 for 1: {}|short")
	p.call(1, 0, "{}", "") // its number is free: it was whole
	p.expect("result 1 for 1: {}|short")
}

func TestOverHTTPStreamsAreGathered(t *testing.T) {
	handler := func() (*HTTPStreamingResponse, error) {
		return &HTTPStreamingResponse{StatusCode: 201, Body: io.MultiReader(strings.NewReader("a"), strings.NewReader("b"))}, nil
	}
	expect(t, post(t, handler, "{}"), 200, `{"statusCode":201,"body":"ab"}`)
	expect(t, post(t, func() (io.Reader, error) { return failing{}, nil }, "{}"), 500, "no luck")
	expect(t, post(t, func() (io.Reader, error) { return counting(make(chan int, 100000)), nil }, "{}"), 500,
		"A streamed body of more than 33554432 bytes cannot be gathered")
}
