package functions

import (
	"net"
	"net/http"
	"sync"
)

// hangups tells the core when a call is over whose connection it closed. The
// reply may have crossed that on the way, so the newest call of every closed
// connection is told.
type hangups struct {
	channel *channel
	mutex   sync.Mutex
	// newest is the id of the newest call by the connection's remote address.
	newest map[string]string
}

func newHangups(to *channel) *hangups {
	return &hangups{channel: to, newest: map[string]string{}}
}

func (h *hangups) called(address, invocationID string) {
	if h == nil || h.channel == nil || invocationID == "" {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.newest[address] = invocationID
}

// onState is the server's ConnState: a connection becomes closed after the call
// on it has returned.
func (h *hangups) onState(connection net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	address := connection.RemoteAddr().String()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if id, known := h.newest[address]; known {
		delete(h.newest, address)
		h.channel.write(record{Settled: id})
	}
}
