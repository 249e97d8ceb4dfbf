// Package rawconn reads and writes sockets without blocking, through their file descriptors, where the system allows it.
//
// It owns the difference between systems: on Unix, [Of] returns the raw connection of a TCP connection, and [Read] and [Write]
// move what they can at once. Elsewhere, and under TLS, Of returns nil, and callers use the connection itself.
package rawconn

import "errors"

// ErrWouldBlock means that nothing can be read or written now.
var ErrWouldBlock = errors.New("socket is not ready")
