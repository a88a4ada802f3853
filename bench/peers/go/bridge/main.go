// Command bridge serves the function with the library.
package main

import (
	functions "core-runtime/functions"

	"peers"
)

func main() {
	functions.Start(peers.Handle)
}
