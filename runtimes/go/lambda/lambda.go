// Package lambda offers the entry points of published Go functions, so that
// porting one is a change of import path.
package lambda

import functions "core-runtime/functions"

// Handler takes the event as JSON and returns the result as JSON.
type Handler = functions.RawHandler

// Start serves a handler; see functions.Start for the forms it may have. It
// does not return.
func Start(handler interface{}) {
	functions.Start(handler)
}

// StartHandler serves a Handler. It does not return.
func StartHandler(handler Handler) {
	functions.Start(handler)
}
