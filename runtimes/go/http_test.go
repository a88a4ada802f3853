package functions

import (
	"encoding/json"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"reflect"
	"testing"
)

// result is an HTTP handler's reply as the core reads it.
type result struct {
	StatusCode      int
	Headers         map[string]interface{}
	Body            string
	IsBase64Encoded bool
}

func ask(t *testing.T, handler interface{}, event string) result {
	t.Helper()
	got := post(t, handler, `{"event":`+event+`,"context":{"invocationId":"i-3"}}`)
	if got.status != 200 {
		t.Fatalf("expected a result, got %d %s", got.status, got.body)
	}
	var read result
	if err := json.Unmarshal([]byte(got.body), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestATargetIsWhatCameWhereItIsTold(t *testing.T) {
	for target, path := range map[string]string{"/a%2Fb?b&a=%20": "/a/b", "/x?%zz=1;": "/x", "/%2e%2e/": "/../"} {
		var seen *http.Request
		handler := func(w http.ResponseWriter, r *http.Request) { seen = r }
		post(t, handler, `{"target":"`+target+`","event":{"httpMethod":"GET","path":"/other"},"context":{}}`)
		if seen.RequestURI != target || seen.URL.RequestURI() != target || seen.URL.Path != path {
			t.Errorf("expected %s and %s, got %s, %s and %s", target, path, seen.RequestURI, seen.URL.RequestURI(), seen.URL.Path)
		}
	}
}

func TestARequestIsAsNetHTTPMakesIt(t *testing.T) {
	var seen *http.Request
	handler := func(w http.ResponseWriter, r *http.Request) {
		seen = r
		io.Copy(w, r.Body)
	}
	got := ask(t, handler, `{"httpMethod":"PUT","path":"/a b/../%","headers":{"X":"2"},
		"multiValueHeaders":{"Host":["f.example"],"X":["1","2"]},"queryStringParameters":{"q":"z"},
		"multiValueQueryStringParameters":{"q":["y &","z"]},"requestContext":{"identity":{"sourceIp":"::1"}},
		"body":"AP8=","isBase64Encoded":true}`)
	for what, pair := range map[string][2]interface{}{
		"method":  {seen.Method, "PUT"},
		"path":    {seen.URL.Path, "/a b/../%"},
		"target":  {seen.RequestURI, "/a%20b/../%25?q=y+%26&q=z"},
		"query":   {seen.URL.Query()["q"], []string{"y &", "z"}},
		"host":    {seen.Host, "f.example"},
		"headers": {seen.Header, http.Header{"X": {"1", "2"}}},
		"address": {seen.RemoteAddr, "[::1]:0"},
		"length":  {seen.ContentLength, int64(2)},
		"reply":   {got, result{200, map[string]interface{}{}, "AP8=", true}},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: expected %#v, got %#v", what, pair[1], pair[0])
		}
	}
	if invocation, ok := FromContext(seen.Context()); !ok || invocation.InvocationID != "i-3" {
		t.Errorf("expected invocation i-3, got %+v", invocation)
	}
}

func TestFlatHeadersAndQueryServeWhenTheOthersAreMissing(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("x-name"), r.URL.Query().Get("q"), r.RemoteAddr)
	}
	got := ask(t, handler, `{"httpMethod":"GET","path":"/","headers":{"x-name":"a"},"queryStringParameters":{"q":"b"},
		"multiValueHeaders":null,"multiValueQueryStringParameters":null}`)
	if got.Body != "ab" {
		t.Errorf("expected ab, got %s", got.Body)
	}
}

func TestABodyThatIsNotTheBase64ItClaimsToBeFails(t *testing.T) {
	got := post(t, http.NotFoundHandler(), `{"event":{"body":"?","isBase64Encoded":true}}`)
	expect(t, got, 500, "the event's body is not base64: illegal base64 data at input byte 0")
}

func TestAFormInTheBodyIsParsed(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.FormValue("a")) }
	got := ask(t, handler, `{"httpMethod":"POST","path":"/","body":"a=%C3%A9",
		"multiValueHeaders":{"Content-Type":["application/x-www-form-urlencoded"]}}`)
	if got.Body != "é" {
		t.Errorf("expected é, got %s", got.Body)
	}
}

func TestAnImpossibleStatusFails(t *testing.T) {
	got := post(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) }, `{"event":{"httpMethod":"GET","path":"/"}}`)
	expect(t, got, 500, "invalid WriteHeader code 0")
}

func TestReplies(t *testing.T) {
	for title, c := range map[string]struct {
		handler http.HandlerFunc
		result  result
	}{
		"nothing written": {func(http.ResponseWriter, *http.Request) {}, result{200, map[string]interface{}{}, "", false}},
		"status and headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-a", "1")
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			w.WriteHeader(201)
			io.WriteString(w, "<é>")
		}, result{201, map[string]interface{}{"X-A": "1", "Set-Cookie": []interface{}{"a=1", "b=2"}}, "<é>", false}},
		"changes after the first write": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			io.WriteString(w, "x")
			w.Header().Set("Late", "1")
			w.WriteHeader(500)
		}, result{200, map[string]interface{}{}, "x", false}},
		"trailers and suppressed headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(http.TrailerPrefix+"Sum", "1")
			w.Header()["Date"] = nil
			w.(http.Flusher).Flush()
		}, result{200, map[string]interface{}{}, "", false}},
		"no content": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}, result{204, map[string]interface{}{}, "", false}},
		"an error page": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/y", 302) }, result{302,
			map[string]interface{}{"Location": "/y"}, "", false}},
	} {
		if got := ask(t, c.handler, `{"httpMethod":"POST","path":"/x"}`); !reflect.DeepEqual(got, c.result) {
			t.Errorf("%s: expected %+v, got %+v", title, c.result, got)
		}
	}
}

func TestEveryByteSurvivesTheRoundTrip(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	event, err := json.Marshal(HTTPRequest{HTTPMethod: "POST", Path: "/", Body: encodeBase64(every), IsBase64Encoded: true})
	if err != nil {
		t.Fatal(err)
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := ioutil.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		w.Write(body)
	}
	if got := ask(t, handler, string(event)); !got.IsBase64Encoded || got.Body != encodeBase64(every) {
		t.Errorf("got %+v", got)
	}
}

func TestAMuxIsAHandler(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/hi", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hi") })
	if got := ask(t, mux, `{"httpMethod":"GET","path":"/hi"}`); got.Body != "hi" {
		t.Errorf("got %+v", got)
	}
}
