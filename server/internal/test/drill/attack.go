//go:build linux

package drill

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/test/chaos"
)

// orders is the variable that makes the test binary an attacker, and says which.
const orders = "DRILL_ORDERS"

// attack is what an attacker works with.
type attack struct {
	addr    string          // of the node
	divisor int             // of the numbers of an attack
	ctx     context.Context // ends with the time of the attack
	counted atomic.Int64    // whatever the attack counts
}

// say tells what was done. The last line counts.
func (a *attack) say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// size is a number of the description, or a part of it in tests.
func (a *attack) size(n int) int { return max(1, n/a.divisor) }

// many runs f so many times at once and waits for all.
func (a *attack) many(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// over reports whether the time of the attack is over.
func (a *attack) over() bool { return a.ctx.Err() != nil }

// launch runs the attack as a process of its own, and returns what that says at last.
func (d drill) launch(t *testing.T, n *chaos.Node, divisor int, length time.Duration) (said string) {
	t.Helper()
	attacker := exec.CommandContext(t.Context(), os.Args[0])
	attacker.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d %s", orders, n.Addr, divisor, length, d.name))
	attacker.Stderr = os.Stderr
	attacker.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := attacker.StdoutPipe()
	if err == nil {
		err = attacker.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for first := true; lines.Scan(); first = false {
		said = lines.Text()
		if first && d.ready != nil {
			d.ready(n)
		}
	}
	if err := attacker.Wait(); err != nil || said == "" {
		t.Errorf("the attacker: %v", err)
	}
	return said
}

// obey runs the attack of the orders in this process.
func obey(text string) {
	var length time.Duration
	a := &attack{}
	words := strings.SplitN(text, " ", 4)
	a.addr = words[0]
	if _, err := fmt.Sscan(strings.Join(words[1:3], " "), &a.divisor, (*int64)(&length)); err != nil {
		panic(err)
	}
	const polite = 19
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, polite)
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	a.ctx = ctx
	for _, d := range drills {
		if d.name == words[3] {
			d.attack(a)
		}
	}
}
