package functions

import (
	"encoding/json"
	"io"
	"io/ioutil"
	"strings"
	"testing"
	"time"
)

func TestAReaderThatSleepsCostsLinesAndNoTime(t *testing.T) {
	reader, writer := io.Pipe()
	records := openReporter(writer)
	line := record{Log: &logged{Stream: "stdout", Line: strings.Repeat("x", 1<<20)}}
	for i := 0; i < 20; i++ {
		records.write(line)
	}
	records.write(record{Settled: "i"}) // never dropped: the core waits for it
	go func() {
		records.drain(time.Minute)
		writer.Close()
	}()
	text, _ := ioutil.ReadAll(reader)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	arrived, missing, settled := 0, 0, false
	for _, line := range lines {
		var told struct{ Dropped int }
		json.Unmarshal([]byte(line), &told)
		missing += told.Dropped
		if line == `{"settled":"i"}` {
			settled = true
		} else if told.Dropped == 0 {
			arrived++
		}
	}
	if arrived > 12 || arrived+missing != 20 || !settled {
		t.Errorf("expected 8 MiB of lines, how many are missing and the last record, got %d lines, %d and %t", arrived, missing, settled)
	}
}
