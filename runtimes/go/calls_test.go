package functions

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/ioutil"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// peer is the core's end of a channel.
type peer struct {
	t      *testing.T
	socket net.Conn
	reader *bufio.Reader
	served chan error
}

func converse(t *testing.T, handler interface{}, maxBytes int64) *peer {
	t.Helper()
	call, _ := adapt(handler)
	ours, theirs := socketPair(t)
	c := newCalls(connOf(t, theirs), &bridge{handler: call, maxBytes: maxBytes})
	p := peerOn(t, ours)
	p.served = make(chan error, 1)
	go func() { p.served <- c.serve() }()
	return p
}

func connOf(t *testing.T, file *os.File) net.Conn {
	t.Helper()
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func peerOn(t *testing.T, file *os.File) *peer {
	socket := connOf(t, file)
	socket.SetDeadline(time.Now().Add(20 * time.Second))
	return &peer{t: t, socket: socket, reader: bufio.NewReader(socket)}
}

func (p *peer) frame(kind byte, call uint32, payload []byte) {
	p.t.Helper()
	if _, err := p.socket.Write(append(appendHead(nil, len(payload), kind, call), payload...)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) call(number uint32, form byte, text, body string) {
	p.t.Helper()
	p.frame(callFrame, number, append(appendRunHead(nil, form, len(text), len(body)), text+body...))
}

// read is the next frame as text: its type, its call and its payload.
func (p *peer) read() (frameHead, []byte) {
	p.t.Helper()
	head, err := readHead(p.reader)
	if err != nil {
		p.t.Fatalf("no frame: %v", err)
	}
	payload := make([]byte, head.length)
	if _, err := io.ReadFull(p.reader, payload); err != nil {
		p.t.Fatal(err)
	}
	return head, payload
}

func (p *peer) expect(wanted string) {
	p.t.Helper()
	head, payload := p.read()
	got := fmt.Sprintf("%d for %d: %s", head.kind, head.call, payload)
	if head.kind == resultFrame {
		jsonBytes := binary.BigEndian.Uint32(payload[1:])
		rest := payload[runHeadBytes:]
		got = fmt.Sprintf("result %d for %d: %s|%s", payload[0], head.call, rest[:jsonBytes], rest[jsonBytes:])
	}
	if got != wanted {
		p.t.Errorf("expected %q, got %q", wanted, got)
	}
}

func TestBreachesOfTheChannelEndIt(t *testing.T) {
	for title, send := range map[string]func(p *peer){
		"a frame past the limit":        func(p *peer) { p.socket.Write(appendHead(nil, frameMaxBytes+1, callFrame, 1)) },
		"a CALL without its head":       func(p *peer) { p.frame(callFrame, 1, make([]byte, 8)) },
		"more bytes than the CALL said": func(p *peer) { p.frame(callFrame, 1, append(appendRunHead(nil, 0, 1, 1), "abc"...)) },
		"a CALL that came twice":        func(p *peer) { p.call(1, 0, "{}", ""); p.call(1, 0, "{}", "") },
		"a BODY after the whole CALL":   func(p *peer) { p.call(1, 0, "{}", ""); p.frame(bodyFrame, 1, []byte("x")) },
	} {
		block := make(chan bool)
		p := converse(t, func() { <-block }, 1000)
		send(p)
		select {
		case err := <-p.served:
			if err == nil {
				t.Errorf("%s: expected an error", title)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s was not noticed", title)
		}
		close(block)
		p.socket.Close()
	}
}

func TestACallPastTheLimitFailsAndItsRestIsSkipped(t *testing.T) {
	p := converse(t, func() error { return nil }, 100)
	p.frame(callFrame, 1, append(appendRunHead(nil, 0, 2, 99), "{}"...))
	p.expect("20 for 1: the request is larger than 100 bytes")
	p.frame(bodyFrame, 1, make([]byte, 99))
	p.call(1, 0, "{}", strings.Repeat("x", 98))
	p.expect("result 0 for 1: |")
}

func TestTheBodyOfACallJoinsTheEvent(t *testing.T) {
	echo := func(event json.RawMessage) (json.RawMessage, error) { return event, nil }
	for title, c := range map[string]struct {
		handler          interface{}
		form             byte
		text, body, want string
	}{
		"a text, to JSON":           {echo, 0, `{"event":{"big":12345678901234567890.10},"context":{}}`, "\"ž\"\n<", `result 0 for 1: {"big":12345678901234567890.10,"body":"\"ž\"\n<","isBase64Encoded":false}|`},
		"bytes, to JSON":            {echo, 1, `{"event":{ },"context":{}}`, "\x00\xff", `result 0 for 1: {"body":"AP8=","isBase64Encoded":true}|`},
		"base64, to JSON":           {echo, 2, `{"event":{}}`, "AP8=", `result 0 for 1: {"body":"AP8=","isBase64Encoded":true}|`},
		"a text, to a map":          {func(e map[string]interface{}) (interface{}, error) { return e["body"], nil }, 0, `{"event":{}}`, "hi", `result 1 for 1: |hi`},
		"bytes, to a request":       {func(e HTTPRequest) (interface{}, error) { return []interface{}{e.Body, e.IsBase64Encoded, e.Path}, nil }, 1, `{"event":{"path":"/a"}}`, "\xff", `result 0 for 1: ["/w==",true,"/a"]|`},
		"a text, to a request":      {func(e *HTTPRequest) (interface{}, error) { return []interface{}{e.Body, e.IsBase64Encoded}, nil }, 0, `{"event":{}}`, "hi", `result 0 for 1: ["hi",false]|`},
		"bytes, to an HTTP handler": {copies(201), 1, `{"event":{"httpMethod":"POST","path":"/"}}`, "\x00\xff", "result 2 for 1: {\"statusCode\":201,\"headers\":{}}|\x00\xff"},
		"base64, to the same":       {copies(200), 2, `{"event":{"httpMethod":"POST","path":"/"}}`, "aGk=", `result 1 for 1: {"statusCode":200,"headers":{}}|hi`},
		"no body, to the same":      {copies(204), 0, `{"event":{"httpMethod":"POST","path":"/"}}`, "", `result 1 for 1: {"statusCode":204,"headers":{}}|`},
	} {
		p := converse(t, c.handler, 1000)
		p.call(1, c.form, c.text, c.body)
		t.Run(title, func(t *testing.T) { p.t = t; p.expect(c.want) })
		p.socket.Close()
	}
}

func copies(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.Copy(w, r.Body)
	}
}

func TestTheBodyOfAResultLeavesTheJSON(t *testing.T) {
	for title, c := range map[string]struct {
		handler interface{}
		want    string
	}{
		"nothing":            {func() {}, "result 0 for 1: |"},
		"a number":           {func() (int, error) { return 7, nil }, "result 0 for 1: 7|"},
		"a text":             {func() (string, error) { return "\"ž\"\n", nil }, "result 1 for 1: |\"ž\"\n"},
		"an empty text":      {func() (string, error) { return "", nil }, "result 1 for 1: |"},
		"a text of no UTF-8": {func() (string, error) { return "a\xff", nil }, "result 1 for 1: |a\uFFFD"},
		"a response":         {func() (HTTPResponse, error) { return HTTPResponse{StatusCode: 201, Body: "hi"}, nil }, `result 1 for 1: {"statusCode":201}|hi`},
		"a response without": {func() (*HTTPResponse, error) { return &HTTPResponse{}, nil }, `result 1 for 1: {}|`},
		"bytes":              {func() (HTTPResponse, error) { return HTTPResponse{Body: "\xff"}, nil }, "result 2 for 1: {}|\xff"},
		"base64":             {func() (HTTPResponse, error) { return HTTPResponse{Body: "/w==", IsBase64Encoded: true}, nil }, `result 1 for 1: {"isBase64Encoded":true}|/w==`},
		"no response":        {func() (*HTTPResponse, error) { return nil, nil }, "result 0 for 1: null|"},
		"an error":           {func() error { return errors.New("no\xffluck") }, "20 for 1: no\uFFFDluck"},
		"a panic":            {func() { panic("boom") }, "20 for 1: boom"},
		"no JSON":            {func() (chan int, error) { return nil, nil }, "20 for 1: The result of the function is not JSON: json: unsupported type: chan int"},
	} {
		p := converse(t, c.handler, 1000)
		p.call(1, 0, "{}", "")
		t.Run(title, func(t *testing.T) { p.t = t; p.expect(c.want) })
		p.socket.Close()
	}
}

func TestAnEventOfAnotherShapeIsTheHandlersFailure(t *testing.T) {
	p := converse(t, func(in []int) error { return nil }, 1000)
	p.call(1, 0, `{"event":{}}`, "")
	p.expect("20 for 1: json: cannot unmarshal object into Go value of type []int")
	p.call(1, 0, `{"event":`, "")
	p.expect("20 for 1: the call is not the protocol's JSON: unexpected end of JSON input")
}

func TestACancelledCallEndsItsContextAndHasNoReply(t *testing.T) {
	started := make(chan bool)
	p := converse(t, func(ctx context.Context) (string, error) {
		close(started)
		<-ctx.Done()
		return "late", nil
	}, 1000)
	p.call(3, 0, "{}", "")
	<-started
	p.frame(cancelFrame, 3, nil)
	p.expect("19 for 3: ")
}

func TestALongReplyKeepsToItsWindowAndPassesOthersOn(t *testing.T) {
	long := strings.Repeat("x", 3*windowBytes)
	p := converse(t, func(in HTTPRequest) (string, error) { return in.Body + long[:len(long)*len(in.Body)], nil }, 1000)
	p.call(1, 0, `{"event":{}}`, "y")
	_, payload := p.read()
	got := len(payload) - runHeadBytes
	for got < windowBytes {
		_, payload := p.read()
		got += len(payload)
	}
	p.call(2, 0, `{"event":{}}`, "")
	p.expect("result 1 for 2: |")
	p.frame(creditFrame, 1, []byte{0, 0, 0, 5})
	p.expect("18 for 1: xxxxx")
	p.frame(creditFrame, 1, []byte{0x7f, 0, 0, 0})
	for got += 5; got < 1+len(long); got += len(payload) {
		if _, payload = p.read(); len(payload) > pieceBytes {
			t.Fatalf("a frame of %d bytes came", len(payload))
		}
	}
	p.frame(pingFrame, 0, nil)
	p.expect("21 for 0: ")
}

// playOnChannel plays a part with both descriptors of the core.
func playOnChannel(t *testing.T, part string, env ...string) (*exec.Cmd, *peer, *os.File, string) {
	t.Helper()
	reports, reporter := socketPair(t)
	calls, theirs := socketPair(t)
	command := exec.Command(os.Args[0])
	// The one who runs the tests may have variables of this kind. The program gets none but the core's.
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "CORE_") {
			command.Env = append(command.Env, pair)
		}
	}
	command.Env = append(command.Env, append(env, "PLAY="+part, "CORE_BRIDGE_FD=3", "CORE_CALLS_FD=4")...)
	command.ExtraFiles = []*os.File{reporter, theirs}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reporter.Close()
	theirs.Close()
	line, err := bufio.NewReader(reports).ReadString('\n')
	if err != nil {
		t.Fatalf("no report: %v", err)
	}
	return command, peerOn(t, calls), reports, strings.TrimSpace(line)
}

func TestOnTheChannelTheEndOfTheStreamEndsTheProgramAfterItsCalls(t *testing.T) {
	command, p, _, report := playOnChannel(t, "slow")
	if !strings.HasPrefix(report, `{"loaded":true,"runtime":"Go `) || !strings.HasSuffix(report, `"calls":1}`) {
		t.Errorf("got the report %s", report)
	}
	p.call(1, 0, "{}", "")
	p.socket.(*net.UnixConn).CloseWrite()
	p.expect("result 1 for 1: |done, token ")
	if err := command.Wait(); err != nil {
		t.Errorf("expected exit 0, got %v", err)
	}
}

func TestOnTheChannelCallsAreServedAfterASignalThatIsNotTheCores(t *testing.T) {
	command, p, reports, _ := playOnChannel(t, "slow")
	p.call(1, 0, "{}", "")
	time.Sleep(100 * time.Millisecond) // the call is in flight
	command.Process.Signal(syscall.SIGTERM)
	p.expect("result 1 for 1: |done, token ")
	p.call(2, 0, "{}", "")
	p.expect("result 1 for 2: |done, token ")
	reports.Close()
	p.socket.(*net.UnixConn).CloseWrite()
	if err := command.Wait(); err != nil {
		t.Errorf("expected exit 0, got %v", err)
	}
}

func TestOnTheChannelAHandlerThatIsNotAcceptedFailsEveryCall(t *testing.T) {
	command, p, _, report := playOnChannel(t, "unloadable")
	defer command.Wait()
	defer command.Process.Kill()
	if !strings.HasPrefix(report, `{"loaded":false,"error":"the handler is a string, not a function",`) || !strings.HasSuffix(report, `"calls":1}`) {
		t.Errorf("got the report %s", report)
	}
	for _, number := range []uint32{1, 1} {
		p.call(number, 0, "{}", "")
		p.expect("20 for 1: " + notLoaded)
	}
}

// TestAProgramThatTheFunctionStartsHoldsNoDescriptor has children outlive it,
// one of them older than Start: the channel ends with the function.
func TestAProgramThatTheFunctionStartsHoldsNoDescriptor(t *testing.T) {
	command, p, reports, _ := playOnChannel(t, "starts")
	p.call(1, 0, "{}", "")
	head, payload := p.read()
	if head.kind != resultFrame {
		t.Fatalf("got %d %s", head.kind, payload)
	}
	var told struct {
		Pids []int
		Core []string
	}
	if err := json.Unmarshal(payload[runHeadBytes:], &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Core) > 0 {
		t.Errorf("the function sees %v", told.Core)
	}
	for _, pid := range told.Pids {
		child, _ := os.FindProcess(pid)
		defer child.Kill()
		folder := "/proc/" + strconv.Itoa(pid) + "/fd/"
		held, _ := ioutil.ReadDir(folder)
		for _, descriptor := range held {
			if link, _ := os.Readlink(folder + descriptor.Name()); strings.HasPrefix(link, "socket:") {
				t.Errorf("child %d holds %s, a %s", pid, descriptor.Name(), link)
			}
		}
	}
	command.Process.Kill()
	command.Wait()
	for _, end := range []io.Reader{p.reader, reports} {
		if _, err := io.Copy(ioutil.Discard, end); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("the end did not come: %v", err)
		}
	}
}

func TestASignalIsTheFunctionsToo(t *testing.T) {
	command, p, reports, _ := playOnChannel(t, "notified")
	p.call(1, 0, "{}", "")
	p.expect("result 1 for 1: |listening")
	command.Process.Signal(syscall.SIGTERM)
	p.call(2, 0, "{}", "")
	p.expect("result 1 for 2: |terminated")
	reports.Close()
	p.socket.(*net.UnixConn).CloseWrite()
	if err := command.Wait(); err != nil {
		t.Errorf("expected exit 0, got %v", err)
	}
}

func TestAFunctionThatTookTheSignalAwayStopsWithTheChannel(t *testing.T) {
	for part, ending := range map[string]string{"ignores": "<nil>", "resets": "signal: terminated"} {
		command, p, reports, _ := playOnChannel(t, part)
		p.call(1, 0, "{}", "")
		p.expect("result 0 for 1: |")
		command.Process.Signal(syscall.SIGTERM)
		if part == "ignores" {
			p.call(2, 0, "{}", "")
			p.expect("result 0 for 2: |")
			reports.Close()
			p.socket.(*net.UnixConn).CloseWrite()
		}
		if err := command.Wait(); fmt.Sprint(err) != ending {
			t.Errorf("%s: expected %s, got %v", part, ending, err)
		}
	}
}
