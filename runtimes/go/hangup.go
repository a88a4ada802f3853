package functions

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"sync"
)

// hangups tells the core when a call is over whose connection it closed. The
// reply may have crossed that on the way, so the newest call of every closed
// connection is told.
type hangups struct {
	reports *os.File
	mutex   sync.Mutex
	// newest is the id of the newest call by the connection's remote address.
	newest map[string]string
}

func newHangups(reports *os.File) *hangups {
	return &hangups{reports: reports, newest: map[string]string{}}
}

func (h *hangups) called(address, invocationID string) {
	if h == nil || h.reports == nil || invocationID == "" {
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
	id, known := h.newest[address]
	if !known {
		return
	}
	delete(h.newest, address)
	json.NewEncoder(h.reports).Encode(map[string]string{"settled": id})
}
