// Command conform is the conformance function: it does what the event's body
// says; `core-runtime conform` asks it (runtimes/README.md).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"os"
	"time"

	functions "core-runtime/functions"
)

func main() {
	if os.Getenv("CORE_REQUEST_BODY") == "stream" {
		functions.Start(receive) // handlers of events get the body whole
	}
	functions.Start(handle)
}

type script struct {
	Do      string          `json:"do"`
	Value   json.RawMessage `json:"value"`
	Message string          `json:"message"`
	Name    string          `json:"name"`
	Line    string          `json:"line"`
	Ms      int             `json:"ms"`
	Piece   string          `json:"piece"`
	Count   int             `json:"count"`
}

func handle(ctx context.Context, event functions.HTTPRequest) (interface{}, error) {
	if event.IsBase64Encoded {
		return functions.HTTPResponse{Body: event.Body, IsBase64Encoded: true}, nil
	}
	var asked script
	if err := json.Unmarshal([]byte(event.Body), &asked); err != nil {
		return nil, err
	}
	switch asked.Do {
	case "return":
		return asked.Value, nil
	case "throw":
		return nil, errors.New(asked.Message)
	case "event":
		return event, nil
	case "context":
		return describe(ctx), nil
	case "header":
		// A Go map knows one spelling; this is how Go programs look a header up.
		return event.Headers[http.CanonicalHeaderKey(asked.Name)], nil
	case "print":
		fmt.Fprintln(functions.Stdout(ctx), asked.Line)
	case "slow":
		time.Sleep(time.Duration(asked.Ms) * time.Millisecond)
		return "slow", nil
	case "stream":
		return functions.HTTPStreamingResponse{
			Headers: map[string]string{"Content-Type": "text/plain"},
			Body:    &pieces{ctx: ctx, script: asked},
		}, nil
	}
	return nil, nil
}

// receive does the same where the body comes as it is read. A script that does
// not come as the body leaves the body to itself.
func receive(w http.ResponseWriter, r *http.Request) {
	text := []byte(r.URL.Query().Get("script"))
	if len(text) == 0 {
		text = read(r.Body)
	}
	var asked script
	if json.Unmarshal(text, &asked) == nil && asked.Do == "read" {
		time.Sleep(time.Duration(asked.Ms) * time.Millisecond)
		fmt.Fprint(w, len(read(r.Body)))
		return
	}
	event := functions.HTTPRequest{HTTPMethod: r.Method, Path: r.URL.Path, Body: string(text)}
	result, err := handle(r.Context(), event)
	if err != nil {
		panic(err)
	}
	if value, isJSON := result.(json.RawMessage); isJSON && json.Unmarshal(value, &result) == nil {
		if text, isText := result.(string); isText {
			fmt.Fprint(w, text)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(result)
}

// read returns all of it; a body that breaks off fails the call.
func read(body io.Reader) []byte {
	bytes, err := ioutil.ReadAll(body)
	if err != nil {
		panic(err)
	}
	return bytes
}

// describe writes the context under the names that the core uses.
func describe(ctx context.Context) map[string]interface{} {
	invocation, _ := functions.FromContext(ctx)
	return map[string]interface{}{
		"functionName": invocation.FunctionName, "memoryInMb": invocation.MemoryLimitInMB, "invocationId": invocation.InvocationID,
	}
}

// pieces is a body that is made piece by piece.
type pieces struct {
	ctx context.Context
	script
	made int
	rest string
}

func (p *pieces) Read(into []byte) (int, error) {
	if p.rest == "" && p.made == p.Count {
		if p.Message != "" {
			return 0, errors.New(p.Message)
		}
		return 0, io.EOF
	}
	if p.rest == "" {
		if p.made > 0 {
			time.Sleep(time.Duration(p.Ms) * time.Millisecond)
		}
		p.made++
		p.rest = p.Piece
	}
	length := copy(into, p.rest)
	p.rest = p.rest[length:]
	return length, nil
}

func (p *pieces) Close() error {
	if p.Line != "" {
		fmt.Fprintln(functions.Stdout(p.ctx), p.Line)
	}
	return nil
}
