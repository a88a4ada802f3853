package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWhatAnInvocationWritesGoesToTheChannelAndKeepsItsID(t *testing.T) {
	var sent bytes.Buffer
	records := openReporter(&sent)
	b := &bridge{maxBytes: 1000, reporter: records, handler: must(adapt(func(ctx context.Context) error {
		fmt.Fprint(Stdout(ctx), "half a ")
		fmt.Fprint(Stdout(ctx), "line\n\nrest")
		fmt.Fprint(Stderr(ctx), strings.Repeat("é", lineMaxBytes/2)+"é")
		fmt.Fprintln(Stderr(ctx)) // the end of that line, not another
		return errors.New("no luck")
	}))}
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	send(t, b, "POST", "/", "", `{"context":{"invocationId":"i","trace":{"traceparent":"00-`+trace+`-00f067aa0ba902b7-01"}}}`)
	records.drain(time.Minute)
	var got []logged
	for decoder := json.NewDecoder(&sent); decoder.More(); {
		var r record
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		got = append(got, *r.Log)
	}
	wanted := []logged{}
	for _, each := range [][3]string{
		{"stdout", "half a line"}, {"stdout", ""}, {"stderr", strings.Repeat("é", lineMaxBytes/2)}, {"stderr", "é"}, {"stderr", "error: no luck", "error"}, {"stdout", "rest"},
	} {
		wanted = append(wanted, logged{Stream: each[0], Level: each[2], InvocationID: "i", TraceID: trace, Line: each[1]})
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("expected %v, got %v", wanted, got)
	}
}

func TestOutsideOfAnInvocationOutputIsPlain(t *testing.T) {
	if Stdout(context.Background()) != os.Stdout || Stderr(context.Background()) != os.Stderr {
		t.Error("expected the program's own streams")
	}
}
