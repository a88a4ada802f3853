// Command hello is a function that greets the name in the query.
package main

import (
	"fmt"
	"net/http"

	functions "core-runtime/functions"
)

func main() {
	functions.Start(hello)
}

func hello(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "world"
	}
	fmt.Fprintf(w, "Hello, %s!\n", name)
}
