package chaos

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// dieWithParent makes the kernel kill a node if the test binary is killed before it can clean up.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// Memory is what the process holds of the machine's memory now, and the most that it has held, in bytes.
func (n *Node) Memory() (now, peak int) {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		n.t.Fatal(err)
	}
	for name, value := range map[string]*int{"VmRSS:": &now, "VmHWM:": &peak} {
		_, rest, _ := strings.Cut(string(status), name)
		if _, err := fmt.Sscan(rest, value); err != nil {
			n.t.Fatalf("%s: %s %v", n.Name, name, err)
		}
	}
	return now << 10, peak << 10
}
