package functions

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const (
	defaultPort           = 8081
	defaultPayloadMaxSize = 6 * 1024 * 1024
)

// settings is what the core tells a sub-runtime through the environment.
type settings struct {
	port int
	// token is asked of every request; empty asks for none.
	token string
	// maxBytes bounds a request: JSON may write one byte as six.
	maxBytes int64
	// reports takes JSON lines, about loading first; nil when nobody listens.
	reports *os.File
	// calls is the channel; nil when calls come over HTTP.
	calls net.Conn
}

// Programs that the function starts must not hold the core's descriptors.
func init() {
	for _, name := range []string{"CORE_BRIDGE_FD", "CORE_CALLS_FD"} {
		if fd, isGiven := descriptorOf(name); isGiven {
			syscall.CloseOnExec(fd)
		}
	}
}

func descriptorOf(name string) (fd int, isGiven bool) {
	fd, err := strconv.Atoi(os.Getenv(name))
	return fd, err == nil && fd > 2
}

// takeSettings reads the environment and removes what only the library may know.
func takeSettings() (settings, error) {
	taken := settings{port: defaultPort, token: os.Getenv("CORE_BRIDGE_TOKEN")}
	reports, hasReports := descriptorOf("CORE_BRIDGE_FD")
	calls, hasCalls := descriptorOf("CORE_CALLS_FD")
	for _, name := range []string{"CORE_BRIDGE_TOKEN", "CORE_BRIDGE_FD", "CORE_CALLS_FD"} {
		os.Unsetenv(name)
	}

	if text := os.Getenv("SCW_UPSTREAM_PORT"); text != "" {
		port, err := strconv.Atoi(text)
		if err != nil || port < 1 || port > 65535 {
			return taken, fmt.Errorf("SCW_UPSTREAM_PORT=%s is not a port from 1 to 65535", text)
		}
		taken.port = port
	}
	payload, err := bytesOf(os.Getenv("SCW_PAYLOAD_MAX_SIZE"), defaultPayloadMaxSize)
	if err != nil {
		return taken, fmt.Errorf("SCW_PAYLOAD_MAX_SIZE: %v", err)
	}
	taken.maxBytes = 6*payload + 8*1024*1024
	if hasReports {
		taken.reports = os.NewFile(uintptr(reports), "reports")
	}
	if hasCalls {
		inherited := os.NewFile(uintptr(calls), "calls")
		taken.calls, err = net.FileConn(inherited) // a copy, which closes on exec, too
		inherited.Close()
		if err != nil {
			return taken, fmt.Errorf("CORE_CALLS_FD=%d is not a socket: %v", calls, err)
		}
	}
	return taken, nil
}

// bytesOf reads a size like 6291456, 512KiB or 6MiB.
func bytesOf(text string, fallback int64) (int64, error) {
	if text == "" {
		return fallback, nil
	}
	digits, unit := text, int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if strings.HasSuffix(text, suffix) {
			digits, unit = strings.TrimSuffix(text, suffix), size
		}
	}
	count, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || count < 0 || count > (1<<50)/unit {
		return 0, fmt.Errorf("%q is not a size like 6291456 or 6MiB", text)
	}
	return count * unit, nil
}
