package functions

import (
	"net"
	"net/http"
	"sync"
)

// hangups reports to the core when a call is over whose connection was closed. The
// reply may have been on the way at that moment, so the newest call of every closed
// connection is reported. It knows which connections have a call.
type hangups struct {
	reporter *reporter
	mutex    sync.Mutex
	// newest is the id of the newest call by the connection's remote address.
	newest map[string]string
	// active counts the connections with a call, begun the calls so far.
	active map[net.Conn]bool
	begun  uint64
}

func newHangups(to *reporter) *hangups {
	return &hangups{reporter: to, newest: map[string]string{}, active: map[net.Conn]bool{}}
}

func (h *hangups) called(address, invocationID string) {
	if h == nil || h.reporter == nil || invocationID == "" {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.newest[address] = invocationID
}

// calls tells how many connections have a call, and how many calls there were.
func (h *hangups) calls() (active int, begun uint64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return len(h.active), h.begun
}

// onState is the server's ConnState: a connection becomes closed after the call
// on it has returned.
func (h *hangups) onState(connection net.Conn, state http.ConnState) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if state == http.StateActive {
		h.active[connection] = true
		h.begun++
	} else {
		delete(h.active, connection)
	}
	if state != http.StateClosed {
		return
	}
	address := connection.RemoteAddr().String()
	if id, known := h.newest[address]; known {
		delete(h.newest, address)
		h.reporter.write(record{Settled: id})
	}
}
