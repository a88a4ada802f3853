package functions

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io/ioutil"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// adaptHTTP lets an http.Handler serve events: each becomes a request as
// net/http would have made it, and what the handler writes becomes the result.
func adaptHTTP(handler http.Handler) *adapted {
	return &adapted{
		newEvent: func() interface{} { return &httpEvent{} },
		call: func(ctx context.Context, event interface{}) (value, error) {
			request, err := newRequest(ctx, event.(*httpEvent))
			if err != nil {
				return value{}, err
			}
			record := &recorder{header: http.Header{}, method: request.Method}
			handler.ServeHTTP(record, request)
			return record.envelope()
		},
	}
}

// httpEvent is an event whose body may be bytes already.
type httpEvent struct {
	HTTPRequest
	bytes []byte
}

func (e *httpEvent) body() ([]byte, error) {
	if e.bytes != nil {
		return e.bytes, nil
	}
	if !e.IsBase64Encoded {
		return []byte(e.Body), nil
	}
	decoded, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, fmt.Errorf("the event's body is not base64: %v", err)
	}
	return decoded, nil
}

func newRequest(ctx context.Context, event *httpEvent) (*http.Request, error) {
	body, err := event.body()
	if err != nil {
		return nil, err
	}
	header := requestHeader(&event.HTTPRequest)
	target := &url.URL{Path: event.Path, RawQuery: requestQuery(&event.HTTPRequest).Encode()}
	request := &http.Request{
		Method: event.HTTPMethod, URL: target, RequestURI: target.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: header.Get("Host"), Header: header,
		Body: http.NoBody, ContentLength: int64(len(body)),
	}
	header.Del("Host") // as net/http does: it lives in Request.Host
	if len(body) > 0 {
		request.Body = ioutil.NopCloser(bytes.NewReader(body))
	}
	if ip := event.RequestContext.Identity.SourceIP; ip != "" {
		request.RemoteAddr = net.JoinHostPort(ip, "0") // the caller's port is not in the event
	}
	return request.WithContext(ctx), nil
}

func requestHeader(event *HTTPRequest) http.Header {
	header := http.Header{}
	for name, values := range event.MultiValueHeaders {
		header[http.CanonicalHeaderKey(name)] = values
	}
	if event.MultiValueHeaders == nil {
		for name, value := range event.Headers {
			header.Set(name, value)
		}
	}
	return header
}

func requestQuery(event *HTTPRequest) url.Values {
	if event.MultiValueQueryStringParameters != nil {
		return event.MultiValueQueryStringParameters
	}
	query := url.Values{}
	for name, value := range event.QueryStringParameters {
		query.Set(name, value)
	}
	return query
}

// recorder keeps what a handler writes until it has returned.
type recorder struct {
	method string
	header http.Header // the handler's, open until the first write
	status int         // 0 until the first write
	sent   http.Header // a copy taken at the first write: later changes do not count
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as net/http does
	}
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if r.status != 0 || informational {
		return
	}
	r.status = status
	r.sent = http.Header{}
	for name, values := range r.header {
		r.sent[name] = append([]string(nil), values...)
	}
}

func (r *recorder) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.status == http.StatusNoContent || r.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return r.body.Write(data)
}

// WriteString saves io.WriteString a copy.
func (r *recorder) WriteString(text string) (int, error) {
	return r.Write([]byte(text))
}

// Flush exists for handlers that need an http.Flusher; the reply is sent whole.
func (r *recorder) Flush() { r.WriteHeader(http.StatusOK) }

// envelope is {statusCode, headers, body}.
func (r *recorder) envelope() (value, error) {
	r.WriteHeader(http.StatusOK)
	return responseValue(struct {
		StatusCode int                    `json:"statusCode"`
		Headers    map[string]interface{} `json:"headers"`
	}{r.status, replyHeaders(r.sent)}, r.body.Bytes(), false)
}

// replyHeaders makes a header that repeats an array. Trailers are left out.
func replyHeaders(header http.Header) map[string]interface{} {
	headers := map[string]interface{}{}
	for name, values := range header {
		switch {
		case len(values) == 0 || strings.HasPrefix(name, http.TrailerPrefix):
		case len(values) == 1:
			headers[name] = values[0]
		default:
			headers[name] = values
		}
	}
	return headers
}
