// The server of the original chat, as far as messages go: what a client sends is published on a Redis channel, and what
// comes from the channel goes to every client. `node server.mjs <port> <port of Redis>`
import { createServer } from "node:http";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const channel = "MESSAGES";
const [port, redisPort] = process.argv.slice(2).map(Number);
const publisher = new Redis({ host: "127.0.0.1", port: redisPort });
const subscriber = new Redis({ host: "127.0.0.1", port: redisPort });

const http = createServer();
const io = new Server(http, { cors: { allowedHeaders: ["*"], origin: "*" } });

io.on("connect", (socket) => {
  socket.on("event:message", async ({ message, username }) => {
    await publisher.publish(channel, JSON.stringify({ message, username }));
  });
});
subscriber.on("message", (_channel, text) => {
  const { message, username } = JSON.parse(text);
  io.emit("message", { message, username });
});

await subscriber.subscribe(channel);
http.listen(port, "127.0.0.1");
