// The original chat as one would write it with rooms: Socket.IO rooms on the Redis adapter. A client joins with an event and
// names the room in each message. `node rooms.mjs <port> <port of Redis>`
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const [port, redisPort] = process.argv.slice(2).map(Number);
const publisher = new Redis({ host: "127.0.0.1", port: redisPort });
const subscriber = publisher.duplicate();

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  cors: { allowedHeaders: ["*"], origin: "*" },
});

io.on("connect", (socket) => {
  socket.on("join", (room, joined) => {
    socket.join(room);
    joined();
  });
  socket.on("event:message", ({ message, username, room }) => {
    io.to(room).emit("message", { message, username });
  });
});

http.listen(port, "127.0.0.1");
