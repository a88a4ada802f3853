package functions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// How streams end before their function has: the caller leaves, time is up, or the core is gone.

func TestACallerWhoLeavesEndsTheContextAndTheWrites(t *testing.T) {
	over := make(chan error, 2)
	p := converse(t, func(w http.ResponseWriter, r *http.Request) {
		piece := strings.Repeat("x", 100000)
		for {
			if _, err := io.WriteString(w, piece); err != nil { // it waits for credit that does not come
				<-r.Context().Done()
				over <- r.Context().Err()
				over <- err
				return
			}
		}
	}, 1000)
	httpCall(p, 1)
	for kind := byte(0); kind != dataFrame; {
		head, _ := p.read()
		kind = head.kind
	}
	p.frame(cancelFrame, 1, nil)
	for kind := byte(dataFrame); kind != endFrame; {
		head, _ := p.read()
		kind = head.kind
	}
	if err := <-over; err != context.Canceled {
		t.Errorf("the context says %v", err)
	}
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("the write says %v", err)
	}
}

func TestACallerWhoLeavesClosesWhatIsRead(t *testing.T) {
	reader, writer := io.Pipe()
	p := converse(t, func() (io.Reader, error) { return reader, nil }, 1000)
	p.call(1, 0, "{}", "")
	writer.Write([]byte("a"))
	p.expect("result 1 for 1: {}|a")
	p.frame(cancelFrame, 1, nil)
	p.expect("19 for 1: ")
	if _, err := writer.Write([]byte("b")); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}

func TestAStreamOutlivesTheDeadlineOfItsHead(t *testing.T) {
	deadline := time.Now().Add(time.Hour)
	pieces := make(chan string)
	contexts := make(chan context.Context, 1)
	handler := flushed(pieces, nil)
	p := converse(t, func(w http.ResponseWriter, r *http.Request) {
		contexts <- r.Context()
		handler(w, r)
	}, 1000)
	p.call(1, 0, fmt.Sprintf(`{"event":{"httpMethod":"GET","path":"/"},"context":{"deadlineMs":%d}}`, deadline.UnixNano()/1e6), "")
	p.expect("result 1 for 1: " + eventStream + "|")
	ctx := <-contexts
	if _, isGiven := ctx.Deadline(); isGiven || ctx.Err() != nil {
		t.Errorf("the context ends: %v", ctx.Err())
	}
	close(pieces)
	p.expect("19 for 1: ")
	if ctx.Err() != context.Canceled {
		t.Errorf("after the call the context says %v", ctx.Err())
	}
}

func TestAContextEndsAtItsDeadline(t *testing.T) {
	p := converse(t, func(ctx context.Context) error {
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		<-child.Done()
		return child.Err()
	}, 1000)
	p.call(1, 0, `{"context":{"deadlineMs":1}}`, "")
	p.expect("20 for 1: context deadline exceeded")
}

func TestAWriteThatWaitsEndsAtItsDeadline(t *testing.T) {
	p := converse(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(interface{ SetWriteDeadline(time.Time) error }).SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := io.WriteString(w, strings.Repeat("x", 2*windowBytes))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			panic(fmt.Sprintf("got %v", err))
		}
		panic("late")
	}, 1000)
	httpCall(p, 1)
	for {
		if head, payload := p.read(); head.kind == failedFrame {
			if string(payload) != "late" {
				t.Errorf("got %s", payload)
			}
			return
		}
	}
}

func TestWritesBehindTheEndFail(t *testing.T) {
	kept := make(chan *stream, 1)
	p := converse(t, func(w http.ResponseWriter, _ *http.Request) {
		kept <- w.(*responder).stream
		w.(http.Flusher).Flush()
		io.WriteString(w, "a")
	}, 1000)
	httpCall(p, 1)
	p.expect(`result 1 for 1: {"statusCode":200,"headers":{}}|a`)
	p.expect("19 for 1: ")
	if _, err := (<-kept).Write([]byte("b")); err != errOver {
		t.Errorf("got %v", err)
	}
}

func TestStreamsEndWhenTheCoreIsGone(t *testing.T) {
	over := make(chan error, 1)
	p := converse(t, func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for err == nil {
			_, err = io.WriteString(w, strings.Repeat("x", 100000))
		}
		over <- err
	}, 1000)
	httpCall(p, 1)
	p.read()
	p.socket.Close()
	if err := <-over; err == nil {
		t.Error("nothing was said")
	}
}
