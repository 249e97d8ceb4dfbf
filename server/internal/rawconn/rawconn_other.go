//go:build !unix

package rawconn

import (
	"errors"
	"net"
	"syscall"
)

// Of returns nil: bytes go through the connection itself.
func Of(net.Conn) syscall.RawConn { return nil }

// Read is never reached, because [Of] returns nil.
func Read(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

// Write is never reached, because [Of] returns nil.
func Write(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
