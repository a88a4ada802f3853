package functions

import (
	"bytes"
	"encoding/json"
	"io/ioutil"
	"net/http"
	"net/http/httptest"
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

func TestAbortingIsAQuietFailure(t *testing.T) {
	var lines strings.Builder
	logger.SetOutput(&lines)
	defer logger.SetOutput(ioutil.Discard)
	expect(t, post(t, func() { panic(http.ErrAbortHandler) }, "{}"), 500, http.ErrAbortHandler.Error())
	if lines.String() != "" {
		t.Errorf("expected no log, got %s", lines.String())
	}
}

func must(handler *adapted, err error) *adapted {
	if err != nil {
		panic(err)
	}
	return handler
}
