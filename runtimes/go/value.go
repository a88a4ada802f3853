package functions

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The forms of a RESULT, and of a value.
const (
	formJSON  = 0
	formText  = 1
	formBytes = 2
)

// The forms of a CALL.
const (
	callText   = 0
	callBytes  = 1
	callBase64 = 2
)

// value is what a handler returned. The body of an object is apart from its
// JSON, so that on the channel nobody escapes it.
type value struct {
	form byte
	// json is the whole value (formJSON), or the object without its body; nil
	// when a text is all there is, and of no result.
	json []byte
	body []byte
	// isBase64: the text is bytes in base64, as the object says.
	isBase64 bool
	// source makes the body piece by piece; nil when it is there.
	source io.Reader
}

// jsonValue is a value that is JSON already.
func jsonValue(text []byte) value { return value{json: text} }

func textValue(text string) value {
	return value{form: formText, body: []byte(strings.ToValidUTF8(text, "\uFFFD"))}
}

// responseValue is an object with the members of fields beside a body.
func responseValue(fields interface{}, body []byte, isBase64 bool) (value, error) {
	others, err := encode(fields)
	if err != nil {
		return value{}, err
	}
	return bodyValue(others, body, isBase64), nil
}

// bodyValue is an object whose other members are JSON already.
func bodyValue(others, body []byte, isBase64 bool) value {
	if utf8.Valid(body) {
		return value{form: formText, json: others, body: body, isBase64: isBase64}
	}
	if isBase64 { // it is not, but says so
		return value{form: formText, json: others, body: bytes.ToValidUTF8(body, []byte("\uFFFD")), isBase64: true}
	}
	return value{form: formBytes, json: others, body: body}
}

// text is the JSON of the whole value.
func (v value) text() ([]byte, error) {
	switch {
	case v.form == formJSON:
		return v.json, nil
	case v.form == formBytes:
		return withMember(v.json, `"body":"`+base64.StdEncoding.EncodeToString(v.body)+`","isBase64Encoded":true`), nil
	}
	body, err := encode(string(v.body))
	if err != nil || v.json == nil {
		return body, err
	}
	return withMember(v.others(), `"body":`+string(body)), nil
}

// others is the JSON that stands beside the body.
func (v value) others() []byte {
	if v.isBase64 {
		return withMember(v.json, `"isBase64Encoded":true`)
	}
	return v.json
}

// withMember adds members to the end of an object.
func withMember(object []byte, members string) []byte {
	inner := bytes.TrimRight(object, " \t\r\n")
	inner = inner[:len(inner)-1]
	longer := make([]byte, 0, len(inner)+len(members)+2)
	longer = append(longer, inner...)
	if !bytes.HasSuffix(bytes.TrimRight(inner, " \t\r\n"), []byte("{")) {
		longer = append(longer, ',')
	}
	return append(append(longer, members...), '}')
}

// bodyText is event.body of a CALL's body.
func bodyText(body []byte, form byte) string {
	if form == callBytes {
		return base64.StdEncoding.EncodeToString(body)
	}
	return string(body)
}

// withBody adds the body to the event of a call, for events of any shape.
func withBody(text, body []byte, form byte) []byte {
	var parts struct{ Event, Context json.RawMessage }
	if json.Unmarshal(text, &parts) != nil || !bytes.HasPrefix(parts.Event, []byte("{")) {
		return text
	}
	written, err := encode(bodyText(body, form))
	if err != nil {
		return text
	}
	event := withMember(parts.Event, `"body":`+string(written)+fmt.Sprintf(`,"isBase64Encoded":%t`, form != callText))
	if parts.Context == nil {
		parts.Context = json.RawMessage("null")
	}
	whole := make([]byte, 0, len(event)+len(parts.Context)+24)
	whole = append(append(whole, `{"event":`...), event...)
	return append(append(append(whole, `,"context":`...), parts.Context...), '}')
}

// encode is json.Marshal without the escapes for HTML: the JSON text of a
// result is the body that the caller gets.
func encode(value interface{}) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("The result of the function is not JSON: %v", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
