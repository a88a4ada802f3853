package functions

import (
	"context"
	"io"
	"io/ioutil"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// idleTimeout outlasts the core's, so that the core closes first.
	idleTimeout = 15 * time.Minute
	// orphanGrace is how long calls may finish when the core has died.
	orphanGrace = 5 * time.Second
	// orphanCheck is how often a program asks who its parent is, once nobody reads.
	orphanCheck = 250 * time.Millisecond
	// restLook and restLooks: so many looks without a call, and the process rests.
	restLook  = 200 * time.Millisecond
	restLooks = 5
	// drainMax is how long a reader of the descriptor is waited for.
	drainMax = 3 * time.Second
)

// Start serves the handler until a signal asks the process to stop. It does not
// return: it exits 0 after SIGTERM, when the calls in flight are done, and 1
// when it cannot listen. A handler of no accepted form is logged and reported,
// and every call then fails.
func Start(handler interface{}) {
	if err := serve(handler); err != nil {
		logger.Printf("cannot start: %v", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(handler interface{}) error {
	taken, err := takeSettings()
	if err != nil {
		return err
	}
	call, loadError := adapt(handler)
	var records *reporter
	if taken.reports != nil {
		records = openReporter(taken.reports)
		defer records.drain(drainMax)
	}
	if loadError != nil {
		logger.Printf("cannot use the handler: %v", loadError)
	}
	if taken.calls != nil {
		return serveOnChannel(taken, call, records, loadError)
	}
	if loadError != nil {
		report(records, record{}, loadError) // before the port accepts, which alone would pass for success
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(taken.port)))
	if err != nil {
		return err
	}
	hangups := newHangups(records)
	server := &http.Server{
		Handler:           &bridge{handler: call, token: taken.token, maxBytes: taken.maxBytes, reporter: records, hangups: hangups},
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       idleTimeout,
		ErrorLog:          logger,
	}
	unused := dropUnused(server)
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		unused(conn, state)
		hangups.onState(conn, state)
	}
	wait := watch(taken.reports, hangups.calls)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(wait()) }()
	if loadError == nil {
		report(records, record{}, nil)
	}
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	if err := <-stopped; err != nil {
		logger.Printf("stopped with calls in flight: %v", err)
	}
	return nil
}

// serveOnChannel serves calls of the core that inherited the other end.
func serveOnChannel(taken settings, call *adapted, records *reporter, loadError error) error {
	calls := newCalls(taken.calls, &bridge{handler: call, maxBytes: taken.maxBytes, reporter: records})
	wait := watch(taken.reports, calls.counts)
	read, stopped := make(chan error, 1), make(chan context.Context, 1)
	go func() { stopped <- wait() }()
	report(records, record{Calls: 1, Bodies: true}, loadError)
	go func() { read <- calls.serve() }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var breach error
	select {
	case breach = <-read:
		go func() { // until the calls are over, or the core is found dead
			<-(<-stopped).Done()
			cancel()
		}()
	case ctx = <-stopped:
		select { // the core ends both descriptors: what it sent before is read
		case breach = <-read:
		case <-time.After(restLook):
		}
	}
	if err := calls.drain(ctx); err != nil {
		logger.Printf("stopped with calls in flight: %v", err)
	}
	return breach
}

// report tells the core, once, that loading was tried.
func report(to *reporter, line record, loadError error) {
	loaded := loadError == nil
	line.Loaded, line.Runtime = &loaded, "Go "+strings.TrimPrefix(runtime.Version(), "go")
	if loadError != nil {
		line.Error = loadError.Error()
	}
	to.write(line)
	to.drain(drainMax)
}

// dropUnused closes, at the stop, connections that never carried a request:
// Shutdown would wait 5 seconds for one.
func dropUnused(server *http.Server) func(net.Conn, http.ConnState) {
	var lock sync.Mutex
	var stopping bool
	unused := map[net.Conn]bool{}
	server.RegisterOnShutdown(func() {
		lock.Lock()
		defer lock.Unlock()
		stopping = true
		for conn := range unused {
			conn.Close()
		}
	})
	return func(conn net.Conn, state http.ConnState) {
		lock.Lock()
		defer lock.Unlock()
		if state != http.StateNew {
			delete(unused, conn)
		} else if stopping {
			conn.Close()
		} else {
			unused[conn] = true
		}
	}
}

// watch listens for a reason to stop. The function it returns waits for one
// and says how long draining may take: for ever after a signal (the core kills
// at the end of its own grace), shortly when the core has died.
//
// A service manager sends SIGTERM to every process at once, and the core may
// still have calls: they are served. The core lets go of the descriptor right
// before a SIGTERM of its own. Without that the process ends once it has rested
// for a second.
func watch(reports *os.File, calls func() (active int, begun uint64)) func() context.Context {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	orphaned := make(chan struct{}, 2)
	letGo := make(chan struct{})
	core := os.Getppid()
	if reports != nil {
		// The system closes what the core held: one of these ends when it dies.
		go func() {
			isSocket := awaitEnd(reports, os.ModeSocket)
			close(letGo)
			if isSocket {
				awaitOrphan(core, orphaned)
			}
		}()
		go func() {
			if awaitEnd(os.Stdin, os.ModeSocket|os.ModeNamedPipe) {
				awaitOrphan(core, orphaned)
			}
		}()
	}
	return func() context.Context {
		select {
		case <-signals:
			if reports == nil {
				signal.Stop(signals) // a second one ends the process at once
			} else {
				awaitRest(letGo, calls)
			}
			return context.Background()
		case <-orphaned:
			ctx, cancel := context.WithTimeout(context.Background(), orphanGrace)
			time.AfterFunc(orphanGrace, cancel)
			return ctx
		}
	}
}

// awaitRest returns when the core has let go, or no call came for a second.
func awaitRest(letGo <-chan struct{}, calls func() (int, uint64)) {
	look := time.NewTicker(restLook)
	defer look.Stop()
	_, seen := calls()
	for rests := 0; rests < restLooks; {
		select {
		case <-letGo:
			return
		case <-look.C:
			active, begun := calls()
			rests++
			if active > 0 || begun != seen {
				rests = 0
			}
			seen = begun
		}
	}
}

// awaitEnd returns when the other side of a file of this kind has ended; false,
// at once, when the file is of another kind.
func awaitEnd(file *os.File, kind os.FileMode) bool {
	info, err := file.Stat()
	if err != nil || info.Mode()&kind == 0 {
		return false
	}
	io.Copy(ioutil.Discard, file)
	return true
}

// awaitOrphan tells when the core is gone: one that only ended its side is
// still the parent.
func awaitOrphan(core int, orphaned chan<- struct{}) {
	for os.Getppid() == core {
		time.Sleep(orphanCheck)
	}
	orphaned <- struct{}{}
}
