package functions

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
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
