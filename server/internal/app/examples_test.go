package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
)

// TestTheExamplesOfTheAPIRun: each of docs/examples/api publishes and reads. They all send the same message with the same id, so that
// it is stored once.
func TestTheExamplesOfTheAPIRun(t *testing.T) {
	a := start(t, "--api-keys="+apiKey)
	examples, err := filepath.Abs(filepath.Join(repository, "docs", "examples", "api"))
	assert.NoError(t, err)
	for file, command := range map[string][]string{"publish.sh": {"sh"}, "publish.mjs": {"node"}, "publish.go": {"go", "run"}} {
		example := exec.CommandContext(t.Context(), command[0], append(command[1:], filepath.Join(examples, file))...)
		example.Env = append(os.Environ(), "CHAT_URL="+a.url(), "CHATD_API_KEY="+apiKey)
		out, err := example.CombinedOutput()
		assert.NoError(t, err, file+": "+string(out))
		for _, want := range []string{"order-7-sent", "Shop", "Order 7 is on its way"} {
			assert.Equal(t, file+" prints "+want+": "+string(out), strings.Contains(string(out), want), true)
		}
	}
	past := ask[chat.Past](t, a, 200, "rooms/orders/messages", "")
	assert.Equal(t, "messages", len(past.Messages), 1)
	assert.Equal(t, "from", past.Messages[0].From, "42")
	files, err := os.ReadDir(examples)
	assert.NoError(t, err)
	assert.Equal(t, "examples", len(files), 3)
}
