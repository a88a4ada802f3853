// An HTTP server that knows nothing of the core: it listens where HOST and PORT say.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("name")
		if name == "" {
			name = "you"
		}
		fmt.Fprintf(w, "Hello, %s!\n", name)
	})
	http.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		bytes, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d bytes\n", bytes)
	})
	log.Fatal(http.ListenAndServe(net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")), nil))
}
