package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// answer is what a bridge sent back.
type answer struct {
	status      int
	contentType string
	body        string
}

// post sends a body to a bridge around the handler.
func post(t *testing.T, handler interface{}, body string) answer {
	t.Helper()
	call, err := adapt(handler)
	if err != nil {
		t.Fatalf("the handler is not accepted: %v", err)
	}
	return send(t, &bridge{handler: call, maxBytes: 1 << 20}, http.MethodPost, "/", "", body)
}

func send(t *testing.T, b *bridge, method, path, token, body string) answer {
	t.Helper()
	server := httptest.NewServer(b)
	defer server.Close()
	request, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Core-Bridge-Token", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := ioutil.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(text)}
}

func expect(t *testing.T, got answer, status int, body string) {
	t.Helper()
	if got.status != status || got.body != body {
		t.Errorf("expected %d %s, got %d %s", status, body, got.status, got.body)
	}
}

func unreachable() error { panic("the handler ran") }

func TestRefusals(t *testing.T) {
	guarded := &bridge{handler: must(adapt(unreachable)), token: "secret", maxBytes: 20}
	for name, c := range map[string]struct {
		method, path, token, body string
		status                    int
	}{
		"a call without the token":        {"POST", "/", "", "{}", 403},
		"a call with another token":       {"POST", "/", "secreT", "{}", 403},
		"another path":                    {"POST", "/x", "secret", "{}", 404},
		"another method":                  {"GET", "/", "secret", "", 405},
		"one byte more than the limit":    {"POST", "/", "secret", strings.Repeat(" ", 19) + "{}", 413},
		"a body that is not JSON":         {"POST", "/", "secret", "{", 400},
		"a body that is not an object":    {"POST", "/", "secret", "[]", 400},
		"a body that is null":             {"POST", "/", "secret", "null", 400},
		"a context that is not an object": {"POST", "/", "secret", `{"context":1}`, 400},
	} {
		if got := send(t, guarded, c.method, c.path, c.token, c.body); got.status != c.status {
			t.Errorf("%s: expected %d, got %d %s", name, c.status, got.status, got.body)
		}
	}
}

func TestAChunkedBodyPastTheLimitIsRefused(t *testing.T) {
	server := httptest.NewServer(&bridge{handler: must(adapt(unreachable)), maxBytes: 10})
	defer server.Close()
	body := struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 11))} // hides the length
	response, err := http.Post(server.URL, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("expected 413, got %d", response.StatusCode)
	}
}

func TestTheBodyMayBeAsLongAsTheLimit(t *testing.T) {
	b := &bridge{handler: must(adapt(func() error { return nil })), token: "secret", maxBytes: 10}
	expect(t, send(t, b, "POST", "/", "secret", strings.Repeat(" ", 8)+"{}"), 200, "")
}

func TestEveryReplyNamesItsCall(t *testing.T) {
	b := &bridge{handler: must(adapt(func() error { return nil })), token: "secret", maxBytes: 100}
	for _, token := range []string{"secret", "another"} {
		request := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		request.Header.Set("Core-Bridge-Token", token)
		request.Header.Set("Core-Invocation-Id", "an-id")
		recorder := httptest.NewRecorder()
		b.ServeHTTP(recorder, request)
		if named := recorder.Header().Get("Core-Invocation-Id"); named != "an-id" {
			t.Errorf("status %d: expected an-id, got %q", recorder.Code, named)
		}
	}
}

func TestAHandlerOfNoAcceptedFormFailsEveryCall(t *testing.T) {
	expect(t, send(t, &bridge{maxBytes: 100}, "POST", "/", "", "{}"), 500, notLoaded)
}

func TestUnacceptedForms(t *testing.T) {
	var none func()
	for name, handler := range map[string]interface{}{
		"nil":                   nil,
		"a nil function":        none,
		"a string":              "handler",
		"a variadic":            func(...string) {},
		"two events":            func(string, string) {},
		"three parameters":      func(context.Context, string, string) {},
		"a result, no error":    func() string { return "" },
		"the error first":       func() (error, string) { return nil, "" },
		"three results":         func() (int, int, error) { return 0, 0, nil },
		"the context last":      func(string, context.Context) {},
		"a nil modern function": (func(http.ResponseWriter, *http.Request))(nil),
	} {
		if _, err := adapt(handler); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

type failure struct{}

func (*failure) Error() string { return "never seen" }

type raw struct{}

func (raw) Invoke(_ context.Context, event []byte) ([]byte, error) { return event, nil }

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

func TestLambdaForms(t *testing.T) {
	type name struct {
		Name string `json:"name"`
	}
	const event = `{"event":{"name":"Ada","big":12345678901234567890},"context":{"invocationId":"i-1"}}`
	for title, c := range map[string]struct {
		handler interface{}
		status  int
		body    string
	}{
		"func()":                    {func() {}, 200, ""},
		"func() error":              {func() error { return nil }, 200, ""},
		"func() error, failed":      {func() error { return errors.New("no luck") }, 500, "no luck"},
		"func() error, typed nil":   {func() error { return (*failure)(nil) }, 500, "never seen"},
		"func(in) error":            {func(in name) error { return errors.New(in.Name) }, 500, "Ada"},
		"func(in), wrong type":      {func(in []int) error { return nil }, 500, "json: cannot unmarshal object into Go value of type []int"},
		"func() (out, error)":       {func() (int, error) { return 7, nil }, 200, "7"},
		"func() (out, error), both": {func() (int, error) { return 7, errors.New("no") }, 500, "no"},
		"func(in) (out, error)":     {func(in *name) (string, error) { return "<" + in.Name + ">", nil }, 200, `"<Ada>"`},
		"func(ctx)":                 {func(context.Context) {}, 200, ""},
		"func(ctx) error":           {func(ctx context.Context) error { i, _ := FromContext(ctx); return errors.New(i.InvocationID) }, 500, "i-1"},
		"func(ctx, in) (out, error)": {func(_ context.Context, in json.RawMessage) (json.RawMessage, error) {
			return in, nil
		}, 200, `{"name":"Ada","big":12345678901234567890}`},
		"func(any) (any, error)": {func(in interface{}) (interface{}, error) { return in.(map[string]interface{})["name"], nil }, 200, `"Ada"`},
		"a nil result":           {func() (*name, error) { return nil, nil }, 200, "null"},
		"a result with no JSON":  {func() (chan int, error) { return nil, nil }, 500, "The result of the function is not JSON: json: unsupported type: chan int"},
		"Invoke":                 {raw{}, 200, `{"name":"Ada","big":12345678901234567890}`},
		"a response":             {func() (HTTPResponse, error) { return HTTPResponse{Body: "hi"}, nil }, 200, `{"body":"hi"}`},
		"a response of bytes": {func() (*HTTPResponse, error) { return &HTTPResponse{StatusCode: 201, Body: "\xff"}, nil }, 200,
			`{"statusCode":201,"body":"/w==","isBase64Encoded":true}`},
	} {
		got := post(t, c.handler, event)
		if got.status != c.status || got.body != c.body {
			t.Errorf("%s: expected %d %s, got %d %s", title, c.status, c.body, got.status, got.body)
		}
		if wanted := map[int]string{200: "application/json", 500: "text/plain; charset=utf-8"}[c.status]; got.contentType != wanted {
			t.Errorf("%s: expected %s, got %s", title, wanted, got.contentType)
		}
	}
}

func TestACallWithoutAnEventIsSurvived(t *testing.T) {
	expect(t, post(t, func(in HTTPRequest) (string, error) { return in.Body, nil }, "{}"), 200, `""`)
}

func TestAPanicIsTheErrorAndTheServerSurvives(t *testing.T) {
	var lines strings.Builder
	logger.SetOutput(&lines)
	defer logger.SetOutput(ioutil.Discard)
	b := &bridge{handler: must(adapt(func() { panic("boom") })), maxBytes: 100}
	for i := 0; i < 2; i++ {
		expect(t, send(t, b, "POST", "/", "", `{"context":{"invocationId":"i-7"}}`), 500, "boom")
	}
	if !strings.HasPrefix(lines.String(), "invocation i-7: panic: boom\ngoroutine ") {
		t.Errorf("the log does not say who panicked: %s", lines.String())
	}
}

func TestAPanicIsOneRecordWithTheFramesOfTheHandler(t *testing.T) {
	for _, fail := range []func(){func() { panic("boom") }, func() { var none *bridge; none.maxBytes++ }} {
		var sent bytes.Buffer
		records := openReporter(&sent)
		b := &bridge{maxBytes: 100, reporter: records, handler: must(adapt(fail))}
		send(t, b, "POST", "/", "", `{"context":{"invocationId":"i"}}`)
		records.drain(time.Minute)
		var got record
		decoder := json.NewDecoder(&sent)
		if err := decoder.Decode(&got); err != nil || decoder.More() {
			t.Fatalf("expected one record, got more or %v", err)
		}
		if got.Log.Level != "error" || got.Log.InvocationID != "i" || !strings.HasPrefix(got.Log.Line, "panic: ") {
			t.Errorf("not an error of its call: %v", got.Log)
		}
		frames := strings.Split(got.Log.Stack, "\n")
		if len(frames) != 4 || frames[0] != got.Log.Line || !strings.HasPrefix(frames[1], "goroutine ") || !strings.Contains(frames[3], "bridge_test.go:") {
			t.Errorf("expected the error and the frame of the handler alone, got %s", got.Log.Stack)
		}
	}
}

func TestWhatAnInvocationWritesGoesToTheChannelAndKeepsItsID(t *testing.T) {
	var sent bytes.Buffer
	records := openReporter(&sent)
	b := &bridge{maxBytes: 1000, reporter: records, handler: must(adapt(func(ctx context.Context) error {
		fmt.Fprint(Stdout(ctx), "half a ")
		fmt.Fprint(Stdout(ctx), "line\n\nrest")
		fmt.Fprint(Stderr(ctx), strings.Repeat("é", lineMaxBytes/2)+"é")
		fmt.Fprintln(Stderr(ctx)) // the end of that line, not another
		return errors.New("no luck")
	}))}
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	send(t, b, "POST", "/", "", `{"context":{"invocationId":"i","trace":{"traceparent":"00-`+trace+`-00f067aa0ba902b7-01"}}}`)
	records.drain(time.Minute)
	var got []logged
	for decoder := json.NewDecoder(&sent); decoder.More(); {
		var r record
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		got = append(got, *r.Log)
	}
	wanted := []logged{}
	for _, each := range [][3]string{
		{"stdout", "half a line"}, {"stdout", ""}, {"stderr", strings.Repeat("é", lineMaxBytes/2)}, {"stderr", "é"}, {"stderr", "error: no luck", "error"}, {"stdout", "rest"},
	} {
		wanted = append(wanted, logged{Stream: each[0], Level: each[2], InvocationID: "i", TraceID: trace, Line: each[1]})
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("expected %v, got %v", wanted, got)
	}
}

func TestOutsideOfAnInvocationOutputIsPlain(t *testing.T) {
	if Stdout(context.Background()) != os.Stdout || Stderr(context.Background()) != os.Stderr {
		t.Error("expected the program's own streams")
	}
}

func TestAReaderThatSleepsCostsLinesAndNoTime(t *testing.T) {
	reader, writer := io.Pipe()
	records := openReporter(writer)
	line := record{Log: &logged{Stream: "stdout", Line: strings.Repeat("x", 1<<20)}}
	for i := 0; i < 20; i++ {
		records.write(line)
	}
	records.write(record{Settled: "i"}) // never dropped: the core waits for it
	go func() {
		records.drain(time.Minute)
		writer.Close()
	}()
	text, _ := ioutil.ReadAll(reader)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	arrived, missing, settled := 0, 0, false
	for _, line := range lines {
		var told struct{ Dropped int }
		json.Unmarshal([]byte(line), &told)
		missing += told.Dropped
		if line == `{"settled":"i"}` {
			settled = true
		} else if told.Dropped == 0 {
			arrived++
		}
	}
	if arrived > 12 || arrived+missing != 20 || !settled {
		t.Errorf("expected 8 MiB of lines, how many are missing and the last record, got %d lines, %d and %t", arrived, missing, settled)
	}
}

func TestAbortingIsAQuietFailure(t *testing.T) {
	var lines strings.Builder
	logger.SetOutput(&lines)
	defer logger.SetOutput(ioutil.Discard)
	expect(t, post(t, func() { panic(http.ErrAbortHandler) }, "{}"), 500, http.ErrAbortHandler.Error())
	if lines.String() != "" {
		t.Errorf("expected no log, got %s", lines.String())
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

func must(handler *adapted, err error) *adapted {
	if err != nil {
		panic(err)
	}
	return handler
}
