package functions

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/ioutil"
	"log"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
)

const notLoaded = "Function Handler does not exist, check that you provided the right HANDLER parameter (path to your module with exported function to use)"

// logger writes whole lines to stderr, which the core forwards.
var logger = log.New(os.Stderr, "", 0)

// bridge answers the core's calls, POST /. call is nil when the handler has no
// accepted form; then every call fails and the process stays up.
type bridge struct {
	call     invoke
	token    string
	maxBytes int64
	hangups  *hangups
}

// call is the protocol's request, as far as a compiled function needs it: the
// handler's path and name mean nothing here.
type call struct {
	Event   json.RawMessage `json:"event"`
	Context wireContext     `json:"context"`
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	var received *call // stays nil for null
	if err := json.Unmarshal(text, &received); err != nil {
		refuse(w, http.StatusBadRequest, "the request is not the protocol's JSON: "+err.Error())
		return
	}
	if received == nil {
		refuse(w, http.StatusBadRequest, "the request is not the protocol's JSON: it is null")
		return
	}
	b.hangups.called(r.RemoteAddr, received.Context.InvocationID)
	result, err := b.run(r, *received)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	reply(w, http.StatusOK, "application/json", result)
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
	if r.ContentLength <= b.maxBytes {
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

// run calls the handler and survives it: a panic becomes the error.
func (b *bridge) run(r *http.Request, received call) (result []byte, err error) {
	if b.call == nil {
		return nil, errors.New(notLoaded)
	}
	invocation := received.Context.invocation()
	ctx, cancel := withInvocation(r.Context(), invocation)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil {
			if reason != http.ErrAbortHandler { // the quiet way to give up
				logger.Printf("invocation %s: panic: %v\n%s", invocation.InvocationID, reason, debug.Stack())
			}
			result, err = nil, fmt.Errorf("%v", reason)
		}
	}()
	if received.Event == nil {
		received.Event = json.RawMessage("null")
	}
	return b.call(ctx, received.Event)
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, "text/plain; charset=utf-8", []byte(message))
}

func reply(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
