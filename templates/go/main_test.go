package main

import (
	"net/http/httptest"
	"testing"
)

func TestHandle(t *testing.T) {
	for target, expected := range map[string]string{"/": "Hello, world!\n", "/?name=Ada": "Hello, Ada!\n"} {
		reply := httptest.NewRecorder()
		handle(reply, httptest.NewRequest("GET", target, nil))
		if got := reply.Body.String(); reply.Code != 200 || got != expected {
			t.Errorf("GET %s: expected 200 %q, got %d %q", target, expected, reply.Code, got)
		}
	}
}
