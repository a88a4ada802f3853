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
	"strconv"
)

// adaptHTTP lets an http.Handler serve events: each becomes a request as
// net/http would have made it, and what the handler writes becomes the result.
func adaptHTTP(handler http.Handler) *adapted {
	return &adapted{
		newEvent: func() interface{} { return &httpEvent{} },
		call: func(ctx context.Context, event interface{}, out *stream) (value, error) {
			request, err := newRequest(ctx, event.(*httpEvent))
			if err != nil {
				return value{}, err
			}
			reply := &responder{stream: out, header: http.Header{}}
			handler.ServeHTTP(reply, request)
			return reply.finish()
		},
	}
}

// httpEvent is an event whose body may be bytes already.
type httpEvent struct {
	HTTPRequest
	bytes []byte
	// target is that of the request as it came; empty where the event tells all
	// of it.
	target string
	// feed is the body where it comes as it is read.
	feed *feed
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
	target, uri := requestTarget(event)
	request := &http.Request{
		Method: event.HTTPMethod, URL: target, RequestURI: uri,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: header.Get("Host"), Header: header,
		Body: http.NoBody, ContentLength: int64(len(body)),
	}
	header.Del("Host") // as net/http does: it lives in Request.Host
	if event.feed != nil {
		request.Body, request.ContentLength = event.feed, -1
		if length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil {
			request.ContentLength = length
		}
	} else if len(body) > 0 {
		request.Body = ioutil.NopCloser(bytes.NewReader(body))
	}
	if ip := event.RequestContext.Identity.SourceIP; ip != "" {
		request.RemoteAddr = net.JoinHostPort(ip, "0") // the caller's port is not in the event
	}
	return request.WithContext(ctx), nil
}

// requestTarget reads the target as net/http reads it. One that is no URL for
// Go, and one that only the event tells, is written anew.
func requestTarget(event *httpEvent) (*url.URL, string) {
	if event.target != "" {
		if target, err := url.ParseRequestURI(event.target); err == nil {
			return target, event.target
		}
	}
	target := &url.URL{Path: event.Path, RawQuery: requestQuery(&event.HTTPRequest).Encode()}
	return target, target.RequestURI()
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
