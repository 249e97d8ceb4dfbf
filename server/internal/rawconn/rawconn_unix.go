//go:build unix

package rawconn

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// Of returns the socket under c, or nil if bytes have to go through c itself.
func Of(c net.Conn) syscall.RawConn {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// Read makes one non-blocking read on a descriptor that somebody else keeps open. At the end it returns [io.EOF].
func Read(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case err == nil && n == 0 && len(p) > 0:
			return 0, io.EOF
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, ErrWouldBlock
		case !errors.Is(err, syscall.EINTR):
			return 0, err
		}
	}
}

// Write makes one non-blocking write, maybe of a part of p.
func Write(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, ErrWouldBlock
		case !errors.Is(err, syscall.EINTR):
			return 0, err
		}
	}
}
