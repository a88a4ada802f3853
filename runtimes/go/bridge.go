package functions

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/ioutil"
	"log"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
)

const notLoaded = "Function Handler does not exist, check that you provided the right HANDLER parameter (path to your module with exported function to use)"

// logger writes whole lines to stderr, which the core forwards.
var logger = log.New(os.Stderr, "", 0)

// bridge answers the core's calls, POST /. handler is nil when it has no
// accepted form; then every call fails and the process stays up.
type bridge struct {
	handler  *adapted
	token    string
	maxBytes int64
	reporter *reporter
	hangups  *hangups
}

// call is the protocol's request, as far as a compiled function needs it: the
// handler's path and name mean nothing here. Event is a pointer to what the
// handler takes, so that one pass over the text fills it.
type call struct {
	Event   interface{} `json:"event"`
	Context wireContext `json:"context"`
	// Target is that of the request as it came, where the event does not tell
	// all of it.
	Target string `json:"target"`
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The core uses a connection for another call only when every reply names its own.
	if id := r.Header.Get("Core-Invocation-Id"); id != "" {
		w.Header().Set("Core-Invocation-Id", id)
	}
	if !b.admits(r) {
		refuse(w, http.StatusForbidden, "Core-Bridge-Token is missing or wrong")
		return
	}
	if r.URL.Path != "/" {
		refuse(w, http.StatusNotFound, "the only endpoint is POST /")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "the only endpoint is POST /")
		return
	}
	text, err := b.read(r)
	if err == errTooLarge {
		refuse(w, http.StatusRequestEntityTooLarge, b.tooLarge())
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the request broke off: "+err.Error())
		return
	}
	received, eventError, err := b.open(text)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the request is not the protocol's JSON: "+err.Error())
		return
	}
	b.hangups.called(r.RemoteAddr, received.Context.InvocationID)
	result, err := b.run(r.Context(), received, eventError, nil)
	var body []byte
	if err == nil {
		body, err = result.text()
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	reply(w, http.StatusOK, "application/json", body)
}

func (b *bridge) admits(r *http.Request) bool {
	sent := []byte(r.Header.Get("Core-Bridge-Token"))
	return b.token == "" || subtle.ConstantTimeCompare(sent, []byte(b.token)) == 1
}

// errTooLarge is the read of a body past the limit.
var errTooLarge = errors.New("too large")

// read takes the whole body. Of one past the limit it keeps nothing, but reads
// it to the end: the connection serves the next request, and the reply is not
// lost in a reset.
func (b *bridge) read(r *http.Request) ([]byte, error) {
	var text []byte
	var err error
	if r.ContentLength > 0 && r.ContentLength <= b.maxBytes {
		text = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, text)
	} else if r.ContentLength <= b.maxBytes {
		text, err = ioutil.ReadAll(io.LimitReader(r.Body, b.maxBytes+1))
	}
	if err == nil && (r.ContentLength > b.maxBytes || int64(len(text)) > b.maxBytes) {
		text = nil
		if _, err = io.Copy(ioutil.Discard, r.Body); err == nil {
			err = errTooLarge
		}
	}
	return text, err
}

func (b *bridge) tooLarge() string {
	return fmt.Sprintf("the request is larger than %d bytes", b.maxBytes)
}

// open reads a request. eventError is that of an event which is not what the
// handler takes: the handler's failure, not the request's.
func (b *bridge) open(text []byte) (received call, eventError, err error) {
	if b.handler == nil {
		received.Event = &ignored{}
	} else {
		received.Event = b.handler.newEvent()
	}
	event := received.Event
	whole := &received
	if err := json.Unmarshal(text, &whole); err != nil {
		return b.openSlowly(text)
	}
	if whole == nil {
		return received, nil, errors.New("it is null")
	}
	if received.Event == nil { // it is null
		received.Event, eventError = event, json.Unmarshal([]byte("null"), event)
	} else if raw, ok := event.(*json.RawMessage); ok && *raw == nil { // it is missing
		*raw = json.RawMessage("null")
	}
	if event, ok := received.Event.(*httpEvent); ok {
		event.target = received.Target
	}
	return received, eventError, nil
}

// openCall reads a call of the channel, whose event has its body apart.
func (b *bridge) openCall(text, body []byte, form byte) (received call, eventError, err error) {
	if b.handler != nil {
		switch b.handler.newEvent().(type) {
		case *ignored, *HTTPRequest, *httpEvent:
		default:
			text = withBody(text, body, form)
		}
	}
	received, eventError, err = b.open(text)
	switch event := received.Event.(type) {
	case *HTTPRequest:
		event.Body, event.IsBase64Encoded = bodyText(body, form), form != callText
	case *httpEvent:
		if form == callBase64 {
			event.Body, event.IsBase64Encoded = string(body), true
		} else {
			event.bytes = body
		}
	}
	return received, eventError, err
}

// takesBodies: the handler reads the body of a request itself.
func (b *bridge) takesBodies() bool {
	if b.handler == nil {
		return true // nobody reads it
	}
	_, ok := b.handler.newEvent().(*httpEvent)
	return ok
}

// openSlowly finds out whose fault it is.
func (b *bridge) openSlowly(text []byte) (received call, eventError, err error) {
	raw := json.RawMessage("null")
	received.Event = &raw
	if err := json.Unmarshal(text, &received); err != nil {
		return received, nil, err
	}
	if b.handler == nil {
		return received, nil, nil
	}
	received.Event = b.handler.newEvent()
	return received, json.Unmarshal(raw, received.Event), nil
}

// run calls the handler and survives it: a panic becomes the error. The result
// may have left by out, as far as it was made; out is nil where it leaves whole.
func (b *bridge) run(parent context.Context, received call, eventError error, out *stream) (result value, err error) {
	if b.handler == nil {
		return value{}, errors.New(notLoaded)
	}
	invocation := received.Context.invocation()
	var output *output
	if b.reporter != nil {
		output = newOutput(b.reporter, invocation)
		defer output.end()
	}
	ctx := parent
	if out != nil {
		out.ctx.begin(invocation, output)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = withInvocation(parent, invocation, output)
		defer cancel()
	}
	defer func() {
		if reason := recover(); reason != nil {
			if reason != http.ErrAbortHandler { // the quiet way to give up
				b.logError(ctx, invocation, fmt.Sprintf("panic: %v", reason), string(debug.Stack()))
			}
			result, err = value{}, fmt.Errorf("%v", reason)
		}
	}()
	if eventError == nil {
		result, err = b.handler.call(ctx, received.Event, out)
	} else {
		err = eventError
	}
	if err == nil && result.source != nil {
		result, err = result.read(out)
	}
	if out != nil && out.isBegun && out.isLeft() {
		return value{}, errLeft // what the handler was told: its error says no more
	}
	if err != nil {
		title, detail := fmt.Sprintf("error: %v", err), fmt.Sprintf("error: %+v", err)
		if detail == title {
			detail = ""
		}
		b.logError(ctx, invocation, title, detail) // with its stack, when it has one
	}
	return result, err
}

// logError tells an error of a call as one record; without a core its lines go
// to stderr. stack may be empty.
func (b *bridge) logError(ctx context.Context, invocation Invocation, title, stack string) {
	if o, ok := ctx.Value(outputKey{}).(*output); ok {
		o.fail(title, titled(title, ownFrames(stack)))
		return
	}
	logger.Printf("invocation %s: %s", invocation.InvocationID, strings.TrimRight(titled(title, stack), "\n"))
}

// titled puts the error before its stack, where stacks of other languages have
// it; an empty one stays empty.
func titled(title, stack string) string {
	if stack == "" || strings.HasPrefix(stack, title) {
		return stack
	}
	return title + "\n" + stack
}

// ownFrames leaves out of a panic's stack what panicked in the runtime and what
// called the handler: that tells nothing of the function.
func ownFrames(stack string) string {
	lines := strings.Split(strings.TrimRight(stack, "\n"), "\n")
	if !strings.HasPrefix(lines[0], "goroutine ") {
		return stack
	}
	kept := lines[:1:1]
	hasPanicked := false
	for at := 1; at+1 < len(lines); at += 2 { // a function and its place
		frame := lines[at]
		if !hasPanicked || len(kept) == 1 && strings.HasPrefix(frame, "runtime.") {
			hasPanicked = hasPanicked || strings.HasPrefix(frame, "panic(")
			continue
		}
		if strings.HasPrefix(frame, "reflect.") || strings.HasPrefix(frame, libraryFrame) {
			break
		}
		kept = append(kept, frame, lines[at+1])
	}
	return strings.Join(kept, "\n")
}

// libraryFrame is how the methods of this package stand in a stack.
var libraryFrame = reflect.TypeOf(bridge{}).PkgPath() + ".(*"

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, "text/plain; charset=utf-8", []byte(message))
}

func reply(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
