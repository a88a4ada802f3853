package functions

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestBreachesOfTheChannelEndIt(t *testing.T) {
	for title, send := range map[string]func(p *peer){
		"a frame past the limit":        func(p *peer) { p.socket.Write(appendHead(nil, frameMaxBytes+1, callFrame, 1)) },
		"a CALL without its head":       func(p *peer) { p.frame(callFrame, 1, make([]byte, 8)) },
		"more bytes than the CALL said": func(p *peer) { p.frame(callFrame, 1, append(appendRunHead(nil, 0, 1, 1), "abc"...)) },
		"a CALL that came twice":        func(p *peer) { p.call(1, 0, "{}", ""); p.call(1, 0, "{}", "") },
		"a BODY after the whole CALL":   func(p *peer) { p.call(1, 0, "{}", ""); p.frame(bodyFrame, 1, []byte("x")) },
	} {
		block := make(chan bool)
		p := converse(t, func() { <-block }, 1000)
		send(p)
		select {
		case err := <-p.served:
			if err == nil {
				t.Errorf("%s: expected an error", title)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s was not noticed", title)
		}
		close(block)
		p.socket.Close()
	}
}

func TestACallPastTheLimitFailsAndItsRestIsSkipped(t *testing.T) {
	p := converse(t, func() error { return nil }, 100)
	p.frame(callFrame, 1, append(appendRunHead(nil, 0, 2, 99), "{}"...))
	p.expect("20 for 1: the request is larger than 100 bytes")
	p.frame(bodyFrame, 1, make([]byte, 99))
	p.call(1, 0, "{}", strings.Repeat("x", 98))
	p.expect("result 0 for 1: |")
}

func TestTheBodyOfACallJoinsTheEvent(t *testing.T) {
	echo := func(event json.RawMessage) (json.RawMessage, error) { return event, nil }
	for title, c := range map[string]struct {
		handler          interface{}
		form             byte
		text, body, want string
	}{
		"a text, to JSON":           {echo, 0, `{"event":{"big":12345678901234567890.10},"context":{}}`, "\"ž\"\n<", `result 0 for 1: {"big":12345678901234567890.10,"body":"\"ž\"\n<","isBase64Encoded":false}|`},
		"bytes, to JSON":            {echo, 1, `{"event":{ },"context":{}}`, "\x00\xff", `result 0 for 1: {"body":"AP8=","isBase64Encoded":true}|`},
		"base64, to JSON":           {echo, 2, `{"event":{}}`, "AP8=", `result 0 for 1: {"body":"AP8=","isBase64Encoded":true}|`},
		"a text, to a map":          {func(e map[string]interface{}) (interface{}, error) { return e["body"], nil }, 0, `{"event":{}}`, "hi", `result 1 for 1: |hi`},
		"bytes, to a request":       {func(e HTTPRequest) (interface{}, error) { return []interface{}{e.Body, e.IsBase64Encoded, e.Path}, nil }, 1, `{"event":{"path":"/a"}}`, "\xff", `result 0 for 1: ["/w==",true,"/a"]|`},
		"a text, to a request":      {func(e *HTTPRequest) (interface{}, error) { return []interface{}{e.Body, e.IsBase64Encoded}, nil }, 0, `{"event":{}}`, "hi", `result 0 for 1: ["hi",false]|`},
		"bytes, to an HTTP handler": {copies(201), 1, `{"event":{"httpMethod":"POST","path":"/"}}`, "\x00\xff", "result 2 for 1: {\"statusCode\":201,\"headers\":{}}|\x00\xff"},
		"base64, to the same":       {copies(200), 2, `{"event":{"httpMethod":"POST","path":"/"}}`, "aGk=", `result 1 for 1: {"statusCode":200,"headers":{}}|hi`},
		"no body, to the same":      {copies(204), 0, `{"event":{"httpMethod":"POST","path":"/"}}`, "", `result 1 for 1: {"statusCode":204,"headers":{}}|`},
	} {
		p := converse(t, c.handler, 1000)
		p.call(1, c.form, c.text, c.body)
		t.Run(title, func(t *testing.T) { p.t = t; p.expect(c.want) })
		p.socket.Close()
	}
}

func copies(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.Copy(w, r.Body)
	}
}

func TestTheBodyOfAResultLeavesTheJSON(t *testing.T) {
	for title, c := range map[string]struct {
		handler interface{}
		want    string
	}{
		"nothing":            {func() {}, "result 0 for 1: |"},
		"a number":           {func() (int, error) { return 7, nil }, "result 0 for 1: 7|"},
		"a text":             {func() (string, error) { return "\"ž\"\n", nil }, "result 1 for 1: |\"ž\"\n"},
		"an empty text":      {func() (string, error) { return "", nil }, "result 1 for 1: |"},
		"a text of no UTF-8": {func() (string, error) { return "a\xff", nil }, "result 1 for 1: |a\uFFFD"},
		"a response":         {func() (HTTPResponse, error) { return HTTPResponse{StatusCode: 201, Body: "hi"}, nil }, `result 1 for 1: {"statusCode":201}|hi`},
		"a response without": {func() (*HTTPResponse, error) { return &HTTPResponse{}, nil }, `result 1 for 1: {}|`},
		"bytes":              {func() (HTTPResponse, error) { return HTTPResponse{Body: "\xff"}, nil }, "result 2 for 1: {}|\xff"},
		"base64":             {func() (HTTPResponse, error) { return HTTPResponse{Body: "/w==", IsBase64Encoded: true}, nil }, `result 1 for 1: {"isBase64Encoded":true}|/w==`},
		"no response":        {func() (*HTTPResponse, error) { return nil, nil }, "result 0 for 1: null|"},
		"an error":           {func() error { return errors.New("no\xffluck") }, "20 for 1: no\uFFFDluck"},
		"a panic":            {func() { panic("boom") }, "20 for 1: boom"},
		"no JSON":            {func() (chan int, error) { return nil, nil }, "20 for 1: The result of the function is not JSON: json: unsupported type: chan int"},
	} {
		p := converse(t, c.handler, 1000)
		p.call(1, 0, "{}", "")
		t.Run(title, func(t *testing.T) { p.t = t; p.expect(c.want) })
		p.socket.Close()
	}
}

func TestAnEventOfAnotherShapeIsTheHandlersFailure(t *testing.T) {
	p := converse(t, func(in []int) error { return nil }, 1000)
	p.call(1, 0, `{"event":{}}`, "")
	p.expect("20 for 1: json: cannot unmarshal object into Go value of type []int")
	p.call(1, 0, `{"event":`, "")
	p.expect("20 for 1: the call is not the protocol's JSON: unexpected end of JSON input")
}

func TestACancelledCallEndsItsContextAndHasNoReply(t *testing.T) {
	started := make(chan bool)
	p := converse(t, func(ctx context.Context) (string, error) {
		close(started)
		<-ctx.Done()
		return "late", nil
	}, 1000)
	p.call(3, 0, "{}", "")
	<-started
	p.frame(cancelFrame, 3, nil)
	p.expect("19 for 3: ")
}

func TestALongReplyKeepsToItsWindowAndPassesOthersOn(t *testing.T) {
	long := strings.Repeat("x", 3*windowBytes)
	p := converse(t, func(in HTTPRequest) (string, error) { return in.Body + long[:len(long)*len(in.Body)], nil }, 1000)
	p.call(1, 0, `{"event":{}}`, "y")
	_, payload := p.read()
	got := len(payload) - runHeadBytes
	for got < windowBytes {
		_, payload := p.read()
		got += len(payload)
	}
	p.call(2, 0, `{"event":{}}`, "")
	p.expect("result 1 for 2: |")
	p.frame(creditFrame, 1, []byte{0, 0, 0, 5})
	p.expect("18 for 1: xxxxx")
	p.frame(creditFrame, 1, []byte{0x7f, 0, 0, 0})
	for got += 5; got < 1+len(long); got += len(payload) {
		if _, payload = p.read(); len(payload) > pieceBytes {
			t.Fatalf("a frame of %d bytes came", len(payload))
		}
	}
	p.frame(pingFrame, 0, nil)
	p.expect("21 for 0: ")
}
