package functions

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/ioutil"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
