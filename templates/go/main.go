// Command handler is a function that greets the name in the query.
package main

import (
	"fmt"
	"net/http"

	functions "core-runtime/functions"
)

func main() {
	functions.Start(handle)
}

func handle(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "world"
	}
	fmt.Fprintf(w, "Hello, %s!\n", name)
}
