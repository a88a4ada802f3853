// Package functions turns a Go program into a function of the core runtime.
//
// Call Start once, at the end of main, with a handler of one of these forms:
//
//	func(http.ResponseWriter, *http.Request)   or any http.Handler
//	func([context.Context,] [In]) error
//	func([context.Context,] [In]) (Out, error)
//	func([context.Context])
//
// In is any type that encoding/json can fill from the event, for HTTP usually
// HTTPRequest. Out is any type it can write; HTTPResponse sets status and headers.
// An io.Reader, or HTTPStreamingResponse with one, leaves as it is read, and what
// the first form writes at each Flush, or once it is long.
//
// What is written to Stdout(ctx) and Stderr(ctx) becomes log lines of the
// invocation that ctx belongs to.
//
// The package speaks the sub-runtime protocol of the core runtime: frames on the
// descriptor $CORE_CALLS_FD, or, without it, HTTP on 127.0.0.1 at
// $SCW_UPSTREAM_PORT. It uses the standard library only.
package functions

import "core-runtime/functions/events"

// HTTPRequest is the event of an HTTP request, and of every other trigger: a
// schedule or a message arrives as a POST to / with its input as Body.
type HTTPRequest = events.APIGatewayProxyRequest

// HTTPResponse is a result that sets status and headers.
type HTTPResponse = events.APIGatewayProxyResponse
