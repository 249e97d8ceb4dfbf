// Publishes a message into a room and reads the newest messages there, with Go.
//
//	CHAT_URL=http://localhost:8000 CHATD_API_KEY=… go run docs/examples/api/publish.go
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"
)

// refusal is what the server says when it does not do what was asked.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Code + ": " + r.Message }

// mayPass reports whether the same request may succeed later.
func (r *refusal) mayPass() bool {
	return r.Code == "unavailable" || r.Code == "rate_limited" || r.Code == "timeout" || r.Code == "unreachable"
}

var client = &http.Client{Timeout: 20 * time.Second}

// call sends a request, and repeats it up to three times if that may help. A message needs an id: then it is stored once.
func call(method, path string, body, answer any) error {
	for tries := 1; ; tries++ {
		refused := try(method, path, body, answer)
		switch {
		case refused == nil:
			return nil
		case tries == 4 || !refused.mayPass():
			return refused
		}
		time.Sleep(time.Duration(tries) * time.Second)
	}
}

func try(method, path string, body, answer any) *refusal {
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // maps of strings always encode
	}
	address := cmp.Or(os.Getenv("CHAT_URL"), "http://localhost:8000") + "/api/v1/" + path
	request, err := http.NewRequest(method, address, bytes.NewReader(text))
	if err != nil {
		return &refusal{"invalid", err.Error()}
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("CHATD_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return &refusal{"unreachable", err.Error()}
	}
	defer response.Body.Close()
	refused := &refusal{}
	if response.StatusCode == http.StatusOK {
		err, refused = json.NewDecoder(response.Body).Decode(answer), nil
	} else {
		err = json.NewDecoder(response.Body).Decode(refused)
	}
	if err != nil {
		return &refusal{"unreachable", err.Error()}
	}
	return refused
}

func main() {
	path := "rooms/" + url.PathEscape("orders") + "/messages"
	message := map[string]any{
		"message": "Order 7 is on its way", "id": "order-7-sent", "user": map[string]string{"id": "42", "name": "Shop"},
	}
	var stored struct {
		ID string `json:"id"`
		At int64  `json:"at"`
	}
	if err := call(http.MethodPost, path, message, &stored); err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored", stored.ID, "at", time.UnixMilli(stored.At))

	var past struct {
		Messages []struct{ Username, Message string } `json:"messages"`
	}
	if err := call(http.MethodGet, path+"?limit=10", nil, &past); err != nil {
		log.Fatal(err)
	}
	for _, m := range past.Messages {
		fmt.Printf("%s: %s\n", m.Username, m.Message)
	}
}
