package functions

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"
)

// lineMaxBytes is where a line is split.
const lineMaxBytes = 65536

// titleMaxBytes is where the name of an error is cut.
const titleMaxBytes = 8192

// Stdout is the standard output of the invocation that ctx belongs to: each
// line written there is a log line with the invocation's id and trace. For a
// context of no invocation, and without a core, it is os.Stdout.
func Stdout(ctx context.Context) io.Writer { return writerOf(ctx, "stdout", os.Stdout) }

// Stderr is Stdout for errors; log.New(functions.Stderr(ctx), "", 0) is a
// logger of the invocation.
func Stderr(ctx context.Context) io.Writer { return writerOf(ctx, "stderr", os.Stderr) }

func writerOf(ctx context.Context, stream string, plain io.Writer) io.Writer {
	output, ok := ctx.Value(outputKey{}).(*output)
	if !ok {
		return plain
	}
	if stream == "stderr" {
		return &output.stderr
	}
	return &output.stdout
}

type outputKey struct{}

// output collects what one invocation writes and sends it as whole lines.
type output struct {
	reporter *reporter
	id       string
	traceID  string
	mutex    sync.Mutex
	isOver   bool
	stdout   lines
	stderr   lines
}

// lines is one stream of an output; rest is the line that has not ended yet.
type lines struct {
	output *output
	stream string
	rest   []byte
	// wasCut: a line was sent before it ended; the line break that follows says nothing.
	wasCut bool
}

func newOutput(to *reporter, invocation Invocation) *output {
	o := &output{reporter: to, id: invocation.InvocationID}
	if parts := strings.Split(invocation.Traceparent, "-"); len(parts) >= 4 {
		o.traceID = parts[1]
	}
	o.stdout = lines{output: o, stream: "stdout"}
	o.stderr = lines{output: o, stream: "stderr"}
	return o
}

func (l *lines) Write(data []byte) (int, error) {
	l.output.mutex.Lock()
	defer l.output.mutex.Unlock()
	fresh := data
	if l.wasCut && len(fresh) > 0 {
		l.wasCut = false
		fresh = bytes.TrimPrefix(fresh, []byte("\n"))
	}
	text := append(l.rest, fresh...)
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			break
		}
		l.send(text[:end])
		text = text[end+1:]
	}
	if len(text) > lineMaxBytes || l.output.isOver && len(text) > 0 {
		l.send(text)
		text, l.wasCut = nil, true
	}
	l.rest = append([]byte(nil), text...)
	return len(data), nil
}

// send takes one line, however long.
func (l *lines) send(line []byte) {
	for {
		piece := line
		if len(piece) > lineMaxBytes {
			piece = piece[:lineMaxBytes]
			for cut := lineMaxBytes; cut > lineMaxBytes-utf8.UTFMax; cut-- {
				if utf8.RuneStart(line[cut]) {
					piece = line[:cut]
					break
				}
			}
		}
		o := l.output
		o.reporter.write(record{Log: &logged{Stream: l.stream, InvocationID: o.id, TraceID: o.traceID, Line: string(piece)}})
		line = line[len(piece):]
		if len(line) == 0 {
			return
		}
	}
}

// fail sends an error of the invocation as one record.
func (o *output) fail(title, stack string) {
	o.reporter.write(record{Log: &logged{
		Stream: "stderr", Level: "error", InvocationID: o.id, TraceID: o.traceID,
		Line: cut(title, titleMaxBytes), Stack: cut(stack, lineMaxBytes),
	}})
}

// cut keeps at most so many bytes, and no part of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// end sends what has no line break. What comes later leaves at once.
func (o *output) end() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.isOver = true
	for _, l := range []*lines{&o.stdout, &o.stderr} {
		if len(l.rest) > 0 {
			l.send(l.rest)
			l.rest = nil
		}
	}
}
