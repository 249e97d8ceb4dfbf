// Package rawconn reads and writes sockets without waiting, by their file descriptors, where the system allows it.
//
// It owns what differs between systems: on Unix a TCP connection has a descriptor that takes and gives what it can at once;
// elsewhere, and under TLS, [Of] returns nil and bytes go through the connection itself.
package rawconn

import "errors"

// ErrWouldBlock means that nothing can be read or written now.
var ErrWouldBlock = errors.New("socket is not ready")
