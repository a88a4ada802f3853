package functions

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// The types of frames: up to pingFrame the core sends them.
const (
	callFrame   = 1
	bodyFrame   = 2
	cancelFrame = 3
	creditFrame = 4
	pingFrame   = 5
	resultFrame = 17
	dataFrame   = 18
	endFrame    = 19
	failedFrame = 20
	pongFrame   = 21
)

const (
	// frameMaxBytes is the longest payload, pieceBytes that of a long reply.
	frameMaxBytes = 1 << 20
	pieceBytes    = 65536
	// windowBytes of a reply may be sent before there is credit.
	windowBytes = 262144
	// messageMaxBytes is where the message of FAILED is cut.
	messageMaxBytes = 65536
	frameHeadBytes  = 9
	// runHeadBytes begin the payload of a CALL and a RESULT: form, and the
	// lengths of JSON and body, which are one run of bytes.
	runHeadBytes = 9
)

// protocolError is a breach of the form by the core.
type protocolError struct{ text string }

func (e protocolError) Error() string { return e.text }

func breach(format string, values ...interface{}) error {
	return protocolError{fmt.Sprintf(format, values...)}
}

// frameHead is length (u32), type (u8), call (u32).
type frameHead struct {
	length int
	kind   byte
	call   uint32
}

func readHead(from *bufio.Reader) (frameHead, error) {
	var text [frameHeadBytes]byte
	if _, err := io.ReadFull(from, text[:]); err != nil {
		return frameHead{}, err
	}
	head := frameHead{int(binary.BigEndian.Uint32(text[:])), text[4], binary.BigEndian.Uint32(text[5:])}
	if head.length > frameMaxBytes {
		return head, breach("a frame of %d bytes came", head.length)
	}
	return head, nil
}

// appendHead writes the head of a frame whose payload follows.
func appendHead(to []byte, length int, kind byte, call uint32) []byte {
	var text [frameHeadBytes]byte
	binary.BigEndian.PutUint32(text[:], uint32(length))
	text[4] = kind
	binary.BigEndian.PutUint32(text[5:], call)
	return append(to, text[:]...)
}

// appendRunHead writes the beginning of a RESULT's payload.
func appendRunHead(to []byte, form byte, jsonBytes, bodyBytes int) []byte {
	var text [runHeadBytes]byte
	text[0] = form
	binary.BigEndian.PutUint32(text[1:], uint32(jsonBytes))
	binary.BigEndian.PutUint32(text[5:], uint32(bodyBytes))
	return append(to, text[:]...)
}

// cutMessage keeps what FAILED has room for, and no part of a character.
func cutMessage(text string) string {
	if len(text) <= messageMaxBytes {
		return text
	}
	end := messageMaxBytes
	for end > messageMaxBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
