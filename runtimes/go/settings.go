package functions

import (
	"fmt"
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
	// reports takes one JSON line about loading; nil when nobody listens.
	reports *os.File
}

// takeSettings reads the environment and removes what only the library may know.
func takeSettings() (settings, error) {
	taken := settings{port: defaultPort, token: os.Getenv("CORE_BRIDGE_TOKEN")}
	descriptor := os.Getenv("CORE_BRIDGE_FD")
	os.Unsetenv("CORE_BRIDGE_TOKEN")
	os.Unsetenv("CORE_BRIDGE_FD")
	os.Unsetenv("CORE_CALLS_FD")

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
	if fd, err := strconv.Atoi(descriptor); err == nil && fd > 2 {
		syscall.CloseOnExec(fd) // programs that the function starts must not hold it
		taken.reports = os.NewFile(uintptr(fd), "reports")
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
