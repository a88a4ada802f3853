// Command standin stands in for a core written in Go. It is ours, not the
// original core, and does only what any core must: start the sub-runtime, read
// the request, write the event as JSON, call, read the result, answer. It
// checks no token, counts nothing, keeps no facts, has no limits or deadlines.
//
//	PORT=8080 SCW_UPSTREAM_PORT=8081 standin node bridge.cjs
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
	"unicode/utf8"

	"core-runtime/functions/events"
)

type call struct {
	Event       events.APIGatewayProxyRequest `json:"event"`
	Context     map[string]interface{}        `json:"context"`
	HandlerPath string                        `json:"handlerPath"`
	HandlerName string                        `json:"handlerName"`
}

type result struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       json.RawMessage   `json:"body"`
}

var (
	upstream = "127.0.0.1:" + os.Getenv("SCW_UPSTREAM_PORT")
	client   = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
)

func main() {
	child := exec.Command(os.Args[1], os.Args[2:]...)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		log.Fatal(err)
	}
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGTERM)
	go func() {
		<-ending
		child.Process.Signal(syscall.SIGTERM)
		child.Wait()
		os.Exit(0)
	}()
	for {
		connection, err := net.Dial("tcp", upstream)
		if err == nil {
			connection.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(serve)))
}

func serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	sent, err := json.Marshal(call{eventOf(r, body), map[string]interface{}{"memoryInMb": 128}, os.Getenv("SCW_HANDLER_PATH"), "handle"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply, err := client.Post("http://"+upstream+"/", "application/json", bytes.NewReader(sent))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer reply.Body.Close()
	received, err := io.ReadAll(reply.Body)
	found := result{StatusCode: http.StatusOK}
	if err == nil {
		err = json.Unmarshal(received, &found)
	}
	if err != nil || reply.StatusCode != http.StatusOK {
		http.Error(w, string(received), http.StatusBadGateway)
		return
	}
	answer(w, found)
}

func eventOf(r *http.Request, body []byte) events.APIGatewayProxyRequest {
	event := events.APIGatewayProxyRequest{
		Resource: "http", Path: r.URL.Path, HTTPMethod: r.Method, MultiValueHeaders: r.Header, Headers: map[string]string{},
		QueryStringParameters: map[string]string{}, MultiValueQueryStringParameters: r.URL.Query(), Body: string(body),
	}
	for name, values := range r.Header {
		event.Headers[name] = values[len(values)-1]
	}
	for name, values := range event.MultiValueQueryStringParameters {
		event.QueryStringParameters[name] = values[len(values)-1]
	}
	if !utf8.Valid(body) {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return event
}

func answer(w http.ResponseWriter, found result) {
	for name, value := range found.Headers {
		w.Header().Set(name, value)
	}
	body := []byte(found.Body)
	var text string
	if len(body) > 0 && body[0] == '"' && json.Unmarshal(body, &text) == nil {
		body = []byte(text)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(found.StatusCode)
	w.Write(body)
}
