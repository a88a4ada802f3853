package functions

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAReplayIsTold(t *testing.T) {
	handler := func(ctx context.Context) (bool, error) { i, _ := FromContext(ctx); return i.Replay, nil }
	for event, wanted := range map[string]string{
		`{"event":{},"context":{"replay":true}}`: "true",
		`{"event":{},"context":{}}`:              "false",
	} {
		if got := post(t, handler, event); got.body != wanted {
			t.Errorf("%s: expected %s, got %s", event, wanted, got.body)
		}
	}
}

func TestTheContextEndsAtTheDeadline(t *testing.T) {
	var seen Invocation
	handler := func(ctx context.Context) error {
		seen, _ = FromContext(ctx)
		<-ctx.Done()
		return ctx.Err()
	}
	deadline := time.Now().Add(50 * time.Millisecond)
	wire, err := json.Marshal(map[string]interface{}{"context": map[string]interface{}{
		"functionName": "f", "functionVersion": "2", "memoryInMb": 128, "invocationId": "i-2",
		"deadlineMs": deadline.UnixNano() / int64(time.Millisecond),
		"trace":      map[string]string{"traceparent": "00-1-2-01"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, post(t, handler, string(wire)), 500, "context deadline exceeded")
	seen.Deadline = seen.Deadline.Truncate(time.Hour)
	wanted := Invocation{"f", "2", 128, "i-2", deadline.Truncate(time.Hour), "00-1-2-01", false}
	if !seen.Deadline.Equal(wanted.Deadline) {
		t.Errorf("expected the deadline %v, got %v", wanted.Deadline, seen.Deadline)
	}
	seen.Deadline, wanted.Deadline = time.Time{}, time.Time{}
	if seen != wanted {
		t.Errorf("expected %+v, got %+v", wanted, seen)
	}
}

func TestACallerThatLeavesCancelsTheContext(t *testing.T) {
	started, ended := make(chan bool), make(chan bool)
	b := &bridge{maxBytes: 100, handler: must(adapt(func(ctx context.Context) {
		close(started)
		<-ctx.Done()
		close(ended)
	}))}
	server := httptest.NewServer(b)
	defer server.Close()
	ctx, leave := context.WithCancel(context.Background())
	request, err := http.NewRequest("POST", server.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	go http.DefaultClient.Do(request.WithContext(ctx))
	<-started
	leave()
	<-ended
}
