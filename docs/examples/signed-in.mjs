// A client of somebody who is signed in to your site.
import { io } from "socket.io-client";

/**
 * connect opens a socket. getToken asks whoever signs your tokens for a fresh one: it gives null if nobody is signed in,
 * and fails if that cannot be told now; then it is asked again, less and less often. When the socket gives up, stopped is
 * told why: "signed_out", or the code with which the server refused the token. Only socket.connect() begins again.
 */
export function connect(url, getToken, stopped, options) {
  let tries = 0;
  let failures = 0;
  let timer;
  const pause = () => Math.min(1000 * 2 ** failures++, 20_000) * (0.5 + Math.random() / 2);
  const stop = (code) => {
    socket.disconnect();
    stopped(code);
  };

  const socket = io(url, {
    ...options,
    // A function, not an object: the client calls it for each CONNECT, so it never shows an old token.
    auth: async (send) => {
      const mine = ++tries;
      const token = await getToken().catch(() => false);
      if (mine !== tries) return; // that connection has ended, and a newer one asks for itself
      if (token) return send({ token, history: 50 });
      if (token !== false) return stop("signed_out");
      const { engine } = socket.io;
      setTimeout(() => engine.close(), pause()); // the client comes back by itself, and asks again
    },
  });
  socket.on("connect_error", ({ data }) => {
    if (data) stop(data.code); // a refusal, and not an outage
  });

  // Renewing in time is not needed to stay signed in, but saves a reconnect each time that a token ends.
  const renewBefore = (expires) => {
    failures = 0;
    clearTimeout(timer);
    timer = setTimeout(renew, Math.min(Math.max((expires - Date.now()) * 0.75, 1000), 2 ** 31 - 1));
  };
  const renew = async () => {
    const show = (token) => token && socket.timeout(10_000).emitWithAck("token", { token });
    const ack = await getToken()
      .then(show)
      .catch(() => ({ code: "unavailable" }));
    if (!socket.connected) return;
    if (!ack) stop("signed_out");
    else if (ack.status === "ok") renewBefore(ack.expires);
    else if (["unavailable", "rate_limited"].includes(ack.code)) timer = setTimeout(renew, pause());
    // Any other code is final: the old token holds until it ends, and then the CONNECT says why it was the last one.
  };
  socket.on("welcome", ({ user }) => renewBefore(user.expires));
  socket.on("disconnect", () => clearTimeout(timer));
  return socket;
}
