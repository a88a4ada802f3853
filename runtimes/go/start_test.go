package functions

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"io/ioutil"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

func encodeBase64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// TestMain lets the test binary play a function: the tests below start it again.
func TestMain(m *testing.M) {
	switch os.Getenv("PLAY") {
	case "":
		logger.SetOutput(ioutil.Discard)
		os.Exit(m.Run())
	case "slow":
		Start(func() (string, error) {
			time.Sleep(300 * time.Millisecond)
			return "done, token " + os.Getenv("CORE_BRIDGE_TOKEN"), nil
		})
	case "unloadable":
		Start("not a function")
	case "starts":
		early := exec.Command("sleep", "60")
		if err := early.Start(); err != nil {
			logger.Fatal(err)
		}
		Start(func() (interface{}, error) { return starts(early) })
	case "ignores":
		Start(func() { signal.Ignore(syscall.SIGTERM) })
	case "resets":
		Start(func() { signal.Reset(syscall.SIGTERM) })
	case "notified":
		Start(notified())
	}
}

// starts starts a program that outlives the function, and tells which there
// are, and which of the core's variables.
func starts(early *exec.Cmd) (interface{}, error) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		return nil, err
	}
	core := []string{}
	for _, pair := range os.Environ() {
		if strings.HasPrefix(pair, "CORE_") {
			core = append(core, pair)
		}
	}
	return map[string]interface{}{"pids": []int{early.Process.Pid, child.Process.Pid}, "core": core}, nil
}

// notified listens to SIGTERM itself, and waits for it in its second call.
func notified() func() (string, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	isListening := false
	return func() (string, error) {
		if !isListening {
			isListening = true
			return "listening", nil
		}
		return (<-signals).String(), nil
	}
}

// program is a function in a process of its own.
type program struct {
	*exec.Cmd
	url   string
	stdin io.Closer
	// reports is the other end of descriptor 3, report the line written there.
	reports io.Closer
	report  string
}

func play(t *testing.T, part string, env ...string) *program {
	t.Helper()
	port := freePort(t)
	reports, reporter := socketPair(t)
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), append(env, "PLAY="+part, "CORE_BRIDGE_FD=3", "SCW_UPSTREAM_PORT="+port)...)
	command.ExtraFiles = []*os.File{reporter}
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reporter.Close()
	line, err := bufio.NewReader(reports).ReadString('\n')
	if err != nil {
		command.Process.Kill()
		t.Fatalf("no report: %v", err)
	}
	return &program{command, "http://127.0.0.1:" + port + "/", stdin, reports, strings.TrimSpace(line)}
}

// socketPair is what Node gives a child as a descriptor.
func socketPair(t *testing.T) (reports, reporter *os.File) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(pair[0])
	syscall.CloseOnExec(pair[1])
	return os.NewFile(uintptr(pair[0]), "reports"), os.NewFile(uintptr(pair[1]), "reporter")
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// call answers with status and body, or the error.
func (p *program) call(token string) string {
	request, err := http.NewRequest("POST", p.url, strings.NewReader("{}"))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Core-Bridge-Token", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := ioutil.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", response.StatusCode, body)
}

func TestABadPortStopsTheStart(t *testing.T) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "PLAY=slow", "SCW_UPSTREAM_PORT=http")
	output, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "SCW_UPSTREAM_PORT=http is not a port from 1 to 65535") {
		t.Errorf("expected a refusal, got %v %s", err, output)
	}
}

func TestAnUnacceptedHandlerIsReportedAndAnswered(t *testing.T) {
	p := play(t, "unloadable")
	defer p.Wait()
	defer p.Process.Kill()
	if !strings.HasPrefix(p.report, `{"loaded":false,"error":"the handler is a string, not a function","runtime":"Go `) {
		t.Errorf("got the report %s", p.report)
	}
	got := p.call("")
	for tries := 0; tries < 100 && strings.Contains(got, "connection refused"); tries++ {
		time.Sleep(10 * time.Millisecond) // the report comes before the port is open
		got = p.call("")
	}
	if got != "500 "+notLoaded {
		t.Errorf("got %s", got)
	}
}

func TestTheTokenIsAskedForAndHiddenFromTheHandler(t *testing.T) {
	p := play(t, "slow", "CORE_BRIDGE_TOKEN=t0ken")
	defer p.Wait()
	defer p.Process.Kill()
	if got := p.call("other"); !strings.HasPrefix(got, "403 ") {
		t.Errorf("got %s", got)
	}
	if got := p.call("t0ken"); got != `200 "done, token "` {
		t.Errorf("got %s", got)
	}
}

func TestASignalLetsTheCallInFlightFinish(t *testing.T) {
	p := play(t, "slow")
	if !strings.HasPrefix(p.report, `{"loaded":true,"runtime":"Go `) {
		t.Errorf("got the report %s", p.report)
	}
	answered := make(chan string)
	go func() { answered <- p.call("") }()
	time.Sleep(100 * time.Millisecond) // the call is in flight
	p.Process.Signal(syscall.SIGTERM)
	if got := <-answered; got != `200 "done, token "` {
		t.Errorf("got %s", got)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("expected exit 0, got %v", err)
	}
}

func TestAfterASignalCallsAreServedUntilTheCoreLetsGo(t *testing.T) {
	p := play(t, "slow")
	defer p.Process.Kill()
	answered := make(chan string)
	go func() { answered <- p.call("") }()
	time.Sleep(100 * time.Millisecond) // the call is in flight
	p.Process.Signal(syscall.SIGTERM)
	for _, got := range []string{<-answered, p.call(""), p.call("")} {
		if got != `200 "done, token "` {
			t.Errorf("got %s", got)
		}
	}
	p.reports.Close()
	if err := p.Wait(); err != nil {
		t.Errorf("expected exit 0, got %v", err)
	}
}

// TestAFunctionWhoseCoreDiedEnds has a shell play the core, and kills it.
func TestAFunctionWhoseCoreDiedEnds(t *testing.T) {
	reports, reporter := socketPair(t)
	core := exec.Command("sh", "-c", `"$0" & wait`, os.Args[0])
	core.Env = append(os.Environ(), "PLAY=slow", "CORE_BRIDGE_FD=3", "SCW_UPSTREAM_PORT="+freePort(t))
	core.ExtraFiles = []*os.File{reporter}
	output, err := core.StdoutPipe() // ends with the last process that holds it
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Start(); err != nil {
		t.Fatal(err)
	}
	reporter.Close()
	if line, err := bufio.NewReader(reports).ReadString('\n'); err != nil {
		t.Fatalf("no report: %s %v", line, err)
	}
	core.Process.Kill()
	reports.Close()
	ended := make(chan bool)
	go func() {
		io.Copy(ioutil.Discard, output)
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the function lives on")
	}
	core.Wait()
}

func TestAReaderThatIsGoneIsNotTheEnd(t *testing.T) {
	p := play(t, "slow")
	defer p.Wait()
	defer p.Process.Kill()
	p.reports.Close()
	for i := 0; i < 2; i++ {
		if got := p.call(""); got != `200 "done, token "` {
			t.Errorf("got %s", got)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, wanted := range map[string]int64{"": 5, "7": 7, "2KiB": 2048, "6MiB": 6 << 20, "1GiB": 1 << 30} {
		if got, err := bytesOf(text, 5); err != nil || got != wanted {
			t.Errorf("%s: expected %d, got %d %v", text, wanted, got, err)
		}
	}
	for _, text := range []string{"-1", "1.5MiB", "x", "MiB", "9999999999GiB"} {
		if got, err := bytesOf(text, 5); err == nil {
			t.Errorf("%s was read as %d", text, got)
		}
	}
}
