// Command plain serves the function as the protocol is usually written in Go:
// net/http and encoding/json.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"

	"core-runtime/functions/events"
	"peers"
)

type call struct {
	Event   events.APIGatewayProxyRequest `json:"event"`
	Context map[string]interface{}        `json:"context"`
}

func main() {
	http.HandleFunc("/", serve)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("SCW_UPSTREAM_PORT"), nil))
}

func serve(w http.ResponseWriter, r *http.Request) {
	var received call
	if err := json.NewDecoder(r.Body).Decode(&received); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := peers.Handle(received.Event)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(result)
}
