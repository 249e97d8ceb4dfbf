package app

import (
	"log/slog"
	"slices"

	"scalable-chat/server/internal/accept"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/tlsport"
)

const (
	// spareSockets is how many connections there may be beyond two for each session: a client that polls has a GET and a POST,
	// and health checks, pages and refusals need some, too.
	spareSockets = 1000
	// spareFiles is how many files the process keeps for other uses than connections: Redis, other nodes, the runtime.
	spareFiles = 256
	// sendBuffer bounds the bytes that the kernel holds for a client that does not read.
	sendBuffer = 64 << 10
	// opsSockets bounds the connections to the private port.
	opsSockets = 64
)

// publicLimits bounds the connections to the main port. One address can have half of them, since it may be a
// proxy or another node. If its sessions are limited and there are no other nodes, it can have what those sessions need.
func publicLimits(cfg config.Config, files int) accept.Limits {
	l := accept.Limits{Total: 2*cfg.MaxConnections + spareSockets, Exempt: cfg.TrustedProxies, SendBuffer: sendBuffer}
	if files > 0 {
		l.Total = min(l.Total, max(files-spareFiles, files/2))
	}
	l.PerAddress = l.Total / 2
	if n := cfg.MaxConnectionsPerIP; n > 0 && !cfg.Redis.Enabled() {
		l.PerAddress = min(l.PerAddress, 2*n+16)
	}
	return l
}

// privateLimits bounds the connections to the private port.
func privateLimits() accept.Limits {
	return accept.Limits{Total: opsSockets, PerAddress: opsSockets / 2, SendBuffer: sendBuffer}
}

// warnOfFiles warns if the limit of open files is too low for the connections that the settings allow. files is the hard
// limit: Go raises the soft limit to it.
func warnOfFiles(cfg config.Config, files int, log *slog.Logger) {
	if files > 0 && files < cfg.MaxConnections+spareFiles {
		log.Warn("MAX_CONNECTIONS is more than the limit of open files allows (RLIMIT_NOFILE, ulimit -Hn)",
			"max_connections", cfg.MaxConnections, "open_files", files)
	}
}

// listenAll opens all ports of the node.
func (a *App) listenAll() (err error) {
	limits := publicLimits(a.cfg, openFiles())
	if a.cfg.ProxyProtocol {
		limits.Introduces = a.timeouts.header
	}
	if a.public, err = a.listen(a.cfg.ListenAddr(), limits); err != nil {
		return err
	}
	if a.cfg.TLS() {
		a.certificate, err = tlsport.Load(a.cfg.TLSCertFile, a.cfg.TLSKeyFile, a.log)
		if err != nil {
			return err
		}
		a.public.door = tlsport.Listen(a.public.net, a.certificate)
	}
	if a.cfg.OwnNodePort() {
		if a.nodes, err = a.listen(a.cfg.NodeListenAddr(), publicLimits(a.cfg, openFiles())); err != nil {
			return err
		}
	}
	if a.cfg.OpsAddr != "" {
		a.private, err = a.listen(a.cfg.OpsAddr, privateLimits())
	}
	return err
}

// listeners are the open ports.
func (a *App) listeners() []*listener {
	return slices.DeleteFunc([]*listener{a.public, a.nodes, a.private}, func(l *listener) bool { return l == nil })
}
