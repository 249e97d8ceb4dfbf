package app

import (
	"context"
	"os"
	"time"

	"scalable-chat/server/internal/cluster"
)

// addressTimeout bounds the search for this node's own address.
const addressTimeout = 10 * time.Second

// ownAddress returns the host:port at which the other nodes reach this one. It is logged, because only clients of other
// nodes notice a wrong one.
func ownAddress(ctx context.Context, h host) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, addressTimeout)
	defer cancel()
	found, err := cluster.Address(ctx, cluster.AddressConfig{
		Configured: h.cfg.NodeAddress, Host: h.cfg.Host, Port: h.port,
		Discovery: os.Getenv("RENDER_DISCOVERY_SERVICE"),
	})
	switch {
	case err != nil:
	case found.Doubt:
		h.log.Warn("the address that other nodes get may not lead out of this host; set NODE_ADDRESS", "address", found.Address, "found", found.How)
	default:
		h.log.Info("other nodes reach this one here", "address", found.Address, "found", found.How)
	}
	return found.Address, err
}
