package functions

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
)

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
