package engineio

import "scalable-chat/server/internal/wire"

// cause says why a session ends: to the library in the reference server's words, to metrics and logs in more detail, and to a
// WebSocket client as a close code.
type cause struct {
	event  string // what the library's "close" and "disconnect" events say; stock clients never see it
	reason string // from CloseReasons
	code   wire.Code
	gone   bool // the transport is broken: nothing can be flushed
}

// The closed catalogue of causes. A stock client reconnects by itself after all of them, except a kick by the application.
var (
	causeClient   = cause{"transport close", "client close", wire.CodeNormal, false}
	causeGone     = cause{"transport close", "transport close", wire.CodeNormal, true}
	causeError    = cause{"transport error", "transport error", wire.CodeInternal, true}
	causePing     = cause{"ping timeout", "ping timeout", wire.CodeGoingAway, false}
	causeForced   = cause{"forced close", "forced close", wire.CodeNormal, false}
	causeDrain    = cause{"server shutting down", "server shutting down", wire.CodeRestart, false}
	causeSlow     = cause{"transport error", "slow consumer", wire.CodePolicy, false}
	causeReset    = cause{"transport error", "stream reset", wire.CodeRestart, false}
	causeFrame    = cause{"transport error", "bad frame", wire.CodeProtocol, false}
	causePacket   = cause{"parse error", "bad packet", wire.CodePolicy, false}
	causeTooLarge = cause{"transport error", "too large", wire.CodeTooBig, false}
	causeOverlap  = cause{"transport error", "overlapping requests", wire.CodePolicy, false}
	causeRepeated = cause{"transport error", "repeated poll", wire.CodePolicy, false}
	causeHeld     = cause{"transport error", "body held too long", wire.CodePolicy, false}
	causeStalled  = cause{"transport error", "stalled handler", wire.CodeInternal, false}
	causeUnready  = cause{"transport error", "namespace unavailable", wire.CodeRestart, false}
	causeExpired  = cause{"transport close", "credentials expired", wire.CodeRestart, false}
	causePanic    = cause{"transport error", "internal error", wire.CodeInternal, false}
)

// parting reports whether a client that polls may still fetch the packets that were queued before the end: the client does not
// know of the end yet. After all other causes it is at fault, or gone.
func (c cause) parting() bool {
	return c == causeForced || c == causeDrain || c == causeReset || c == causeUnready || c == causeExpired
}

// CloseReasons lists the reasons with which Hooks.Closed is called.
func CloseReasons() []string {
	all := []cause{
		causeClient, causeGone, causeError, causePing, causeForced, causeDrain, causeSlow, causeReset,
		causeFrame, causePacket, causeTooLarge, causeOverlap, causeRepeated, causeHeld, causeStalled, causeUnready,
		causeExpired, causePanic,
	}
	reasons := make([]string, len(all))
	for i, c := range all {
		reasons[i] = c.reason
	}
	return reasons
}

// refusal is an answer to a request that the edge does not serve.
type refusal struct {
	status  int
	code    int // 0 to 5 are the Engine.IO protocol's, the others are ours
	message string
}

// The closed catalogue of refusals; the first six are the protocol's.
var (
	refuseTransport = refusal{400, 0, "Transport unknown"}
	refuseSession   = refusal{400, 1, "Session ID unknown"}
	refuseMethod    = refusal{400, 2, "Bad handshake method"}
	refuseRequest   = refusal{400, 3, "Bad request"}
	refuseOrigin    = refusal{403, 4, "Forbidden"}
	refuseProtocol  = refusal{400, 5, "Unsupported protocol version"}
	refuseDraining  = refusal{503, 6, "Server is shutting down"}
	refuseFull      = refusal{503, 7, "Too many connections"}
	refuseAddress   = refusal{429, 8, "Too many connections from your address"}
	refuseTooLarge  = refusal{413, 9, "Payload too large"}
	refuseBusy      = refusal{503, 10, "Server is busy"}
)

// RefusalReasons lists the reasons with which Hooks.Refused is called.
func RefusalReasons() []string {
	all := []refusal{
		refuseTransport, refuseSession, refuseMethod, refuseRequest, refuseOrigin, refuseProtocol,
		refuseDraining, refuseFull, refuseAddress, refuseTooLarge, refuseBusy,
	}
	reasons := make([]string, len(all))
	for i, r := range all {
		reasons[i] = r.message
	}
	return reasons
}
