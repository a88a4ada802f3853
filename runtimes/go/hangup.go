package functions

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// hangups tells the core when a call is over whose connection it closed. The
// reply may have crossed that on the way, so the newest call of every closed
// connection is told.
type hangups struct {
	channel *channel
	// newest is a *newestCall by its net.Conn.
	newest sync.Map
}

// newestCall of a connection, which serves one call at a time.
type newestCall struct {
	mutex sync.Mutex
	id    string
}

type newestKey struct{}

// connContext is the server's: a call finds its connection's entry in its context.
func (h *hangups) connContext(ctx context.Context, connection net.Conn) context.Context {
	newest := &newestCall{}
	h.newest.Store(connection, newest)
	return context.WithValue(ctx, newestKey{}, newest)
}

func called(ctx context.Context, invocationID string) {
	if newest, ok := ctx.Value(newestKey{}).(*newestCall); ok {
		newest.mutex.Lock()
		defer newest.mutex.Unlock()
		newest.id = invocationID
	}
}

// onState is the server's ConnState: a connection becomes closed after the call
// on it has returned.
func (h *hangups) onState(connection net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	entry, known := h.newest.Load(connection)
	if !known {
		return
	}
	h.newest.Delete(connection)
	newest := entry.(*newestCall)
	newest.mutex.Lock()
	defer newest.mutex.Unlock()
	if newest.id != "" {
		h.channel.write(record{Settled: newest.id})
	}
}
