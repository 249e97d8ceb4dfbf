// A client of somebody who is signed in to your site.
import { io } from "socket.io-client";

/** connect opens a socket. getToken asks whoever signs your tokens for a fresh one, and fails if nobody is signed in. */
export function connect(url, getToken, options) {
  const socket = io(url, {
    ...options,
    // A function, not an object: the client calls it for each CONNECT, so it never shows an old token.
    auth: (send) =>
      getToken().then(
        (token) => send({ token, history: 50 }),
        () => socket.io.engine.close(), // the client comes back by itself, and asks again
      ),
  });

  // Renewing in time is not needed to stay signed in, but saves a reconnect each time that a token ends.
  let timer;
  const renewBefore = (expires) => {
    clearTimeout(timer);
    timer = setTimeout(renew, Math.min(Math.max((expires - Date.now()) * 0.75, 1000), 2 ** 31 - 1));
  };
  const renew = async () => {
    const ack = await getToken()
      .then((token) => socket.timeout(10_000).emitWithAck("token", { token }))
      .catch(() => ({}));
    if (socket.connected) renewBefore(ack.expires ?? Date.now() + 5000);
  };
  socket.on("welcome", ({ user }) => renewBefore(user.expires));
  socket.on("disconnect", () => clearTimeout(timer));
  return socket;
}
