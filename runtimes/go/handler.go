package functions

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
)

// RawHandler takes the event as JSON and returns the result as JSON.
type RawHandler interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// adapted is a handler of any accepted form. newEvent makes what the event's
// JSON is read into, a pointer; call takes that and returns the result, unless
// that has begun to leave by out, which is nil where results leave whole.
type adapted struct {
	newEvent func() interface{}
	call     func(ctx context.Context, event interface{}, out *stream) (value, error)
}

// ignored is the event of a handler that takes none.
type ignored struct{}

func (*ignored) UnmarshalJSON([]byte) error { return nil }

var (
	contextType = reflect.TypeOf((*context.Context)(nil)).Elem()
	errorType   = reflect.TypeOf((*error)(nil)).Elem()
)

// adapt makes any accepted form of handler callable. Its error says what is
// wrong with the handler's type.
func adapt(handler interface{}) (*adapted, error) {
	switch handler := handler.(type) {
	case nil:
		return nil, errors.New("the handler is nil")
	case RawHandler:
		return &adapted{
			newEvent: func() interface{} { return new(json.RawMessage) },
			call: func(ctx context.Context, event interface{}, _ *stream) (value, error) {
				text, err := handler.Invoke(ctx, *event.(*json.RawMessage))
				return jsonValue(text), err
			},
		}, nil
	case func(http.ResponseWriter, *http.Request):
		if handler == nil {
			return nil, errors.New("the handler is nil")
		}
		return adaptHTTP(http.HandlerFunc(handler)), nil
	case http.Handler:
		return adaptHTTP(handler), nil
	}
	return adaptFunc(reflect.ValueOf(handler))
}

func adaptFunc(handler reflect.Value) (*adapted, error) {
	form := handler.Type()
	if form.Kind() != reflect.Func {
		return nil, fmt.Errorf("the handler is a %s, not a function", form)
	}
	if handler.IsNil() {
		return nil, errors.New("the handler is nil")
	}
	takesContext, eventType, err := parameters(form)
	if err != nil {
		return nil, err
	}
	if err := checkResults(form); err != nil {
		return nil, err
	}

	newEvent := func() interface{} { return &ignored{} }
	if eventType != nil {
		newEvent = func() interface{} { return reflect.New(eventType).Interface() }
	}
	call := func(ctx context.Context, event interface{}, _ *stream) (value, error) {
		arguments := make([]reflect.Value, 0, 2)
		if takesContext {
			arguments = append(arguments, reflect.ValueOf(ctx))
		}
		if eventType != nil {
			arguments = append(arguments, reflect.ValueOf(event).Elem())
		}
		return outcome(handler.Call(arguments))
	}
	return &adapted{newEvent: newEvent, call: call}, nil
}

// parameters reads ([context] [event]); eventType is nil when no event is taken.
func parameters(form reflect.Type) (takesContext bool, eventType reflect.Type, err error) {
	if form.IsVariadic() {
		return false, nil, fmt.Errorf("the handler %s takes a variable number of parameters", form)
	}
	takesContext = form.NumIn() > 0 && form.In(0) == contextType
	rest := form.NumIn()
	if takesContext {
		rest--
	}
	switch rest {
	case 0:
		return takesContext, nil, nil
	case 1:
		return takesContext, form.In(form.NumIn() - 1), nil
	}
	return false, nil, fmt.Errorf("the handler %s takes other parameters than a context and an event", form)
}

func checkResults(form reflect.Type) error {
	count := form.NumOut()
	if count > 2 {
		return fmt.Errorf("the handler %s returns more than a result and an error", form)
	}
	if count > 0 && form.Out(count-1) != errorType {
		return fmt.Errorf("the handler %s does not return an error last", form)
	}
	return nil
}

// outcome turns what a handler returned, [result] [error], into a value or an error.
func outcome(results []reflect.Value) (value, error) {
	if len(results) == 0 {
		return value{}, nil
	}
	if err, failed := results[len(results)-1].Interface().(error); failed {
		return value{}, err
	}
	if len(results) == 1 {
		return value{}, nil
	}
	return encodeResult(results[0].Interface())
}

func encodeResult(result interface{}) (value, error) {
	switch result := result.(type) {
	case string:
		return textValue(result), nil
	case HTTPResponse:
		return ofResponse(&result)
	case *HTTPResponse:
		if result != nil {
			return ofResponse(result)
		}
	case HTTPStreamingResponse:
		return ofStreaming(&result)
	case *HTTPStreamingResponse:
		if result != nil {
			return ofStreaming(result)
		}
	case json.Marshaler, encoding.TextMarshaler: // it has a JSON form, whatever else it is
	case io.Reader:
		return value{json: []byte("{}"), source: result}, nil
	}
	text, err := encode(result)
	return jsonValue(text), err
}

func ofResponse(response *HTTPResponse) (value, error) {
	return responseValue(struct {
		StatusCode        int                 `json:"statusCode,omitempty"`
		Headers           map[string]string   `json:"headers,omitempty"`
		MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	}{response.StatusCode, response.Headers, response.MultiValueHeaders}, []byte(response.Body), response.IsBase64Encoded)
}
