package functions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"strings"
	"testing"
)

// open begins a call whose body is still to come.
func (p *peer) open(number uint32, headers string) {
	text := `{"event":{"httpMethod":"POST","path":"/","multiValueHeaders":{` + headers + `}}}`
	head := appendRunHead(nil, 1, len(text), unknownBytes)
	p.frame(callFrame, number, append(head, text...))
}

func TestABodyIsReadAsItComes(t *testing.T) {
	read := make(chan string)
	p := converse(t, func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 100)
		for {
			length, err := r.Body.Read(buffer)
			if err != nil {
				fmt.Fprint(w, err, r.ContentLength)
				return
			}
			read <- string(buffer[:length])
		}
	}, 1000)
	p.open(1, `"Content-Length":["3"]`)
	for _, piece := range []string{"a", "bc"} {
		p.frame(bodyFrame, 1, []byte(piece))
		if got := <-read; got != piece {
			t.Errorf("expected %s, got %s", piece, got)
		}
	}
	p.frame(bodyFrame, 1, nil)
	p.expect(`result 1 for 1: {"statusCode":200,"headers":{}}|EOF 3`)
}

func TestCreditFollowsWhatWasRead(t *testing.T) {
	p := converse(t, func(w http.ResponseWriter, r *http.Request) {
		length, err := io.Copy(ioutil.Discard, r.Body)
		fmt.Fprint(w, length, err, r.ContentLength)
	}, 1000)
	p.open(1, "")
	total := 0
	for i := 0; i < 4; i++ {
		p.frame(bodyFrame, 1, make([]byte, creditStep))
	}
	for total < 4*creditStep {
		head, payload := p.read()
		if head.kind != creditFrame || head.call != 1 {
			t.Fatalf("a frame of type %d came", head.kind)
		}
		total += int(binary.BigEndian.Uint32(payload))
	}
	p.frame(bodyFrame, 1, nil)
	p.expect(`result 1 for 1: {"statusCode":200,"headers":{}}|262144 <nil> -1`)
}

func TestABodyThatBreaksOffFailsItsRead(t *testing.T) {
	failed := make(chan error, 1)
	p := converse(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(ioutil.Discard, r.Body)
		failed <- err
	}, 1000)
	p.open(1, "")
	p.frame(bodyFrame, 1, []byte("a"))
	p.frame(cancelFrame, 1, nil)
	if err := <-failed; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	p.expect("19 for 1: ")
}

func TestABodyThatNobodyReadsHoldsUpNothing(t *testing.T) {
	kept := make(chan io.Reader, 1)
	p := converse(t, func(w http.ResponseWriter, r *http.Request) { kept <- r.Body }, 1000)
	p.open(1, "")
	p.frame(bodyFrame, 1, []byte("a"))
	p.expect(`result 1 for 1: {"statusCode":200,"headers":{}}|`)
	p.frame(bodyFrame, 1, []byte("b"))
	p.frame(bodyFrame, 1, nil)
	if _, err := (<-kept).Read(make([]byte, 1)); err != errUnread {
		t.Errorf("got %v", err)
	}
	p.call(2, 0, `{"event":{"httpMethod":"GET","path":"/"}}`, "")
	p.expect(`result 1 for 2: {"statusCode":200,"headers":{}}|`)
}

func TestHandlersOfEventsGetTheBodyWhole(t *testing.T) {
	p := converse(t, func(in HTTPRequest) (string, error) { return in.Body + fmt.Sprint(in.IsBase64Encoded), nil }, 1000)
	for body, want := range map[string]string{"hé": "héfalse", "\xff": "/w==true"} {
		p.open(1, "")
		for _, piece := range strings.SplitAfter(body, "") {
			p.frame(bodyFrame, 1, []byte(piece))
		}
		p.frame(bodyFrame, 1, nil)
		p.expect("result 1 for 1: |" + want)
	}
}
