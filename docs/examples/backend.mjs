// A back end that signs tokens with a secret which it shares with the chat server, without any library.
//
//   AUTH_JWT_SECRET=… node docs/examples/backend.mjs 4000
import { createHmac } from "node:crypto";
import { createServer } from "node:http";

const secret = process.env.AUTH_JWT_SECRET;

/** sign makes a JSON Web Token (HS256). */
function sign(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

// Your users, and how you know that a request comes from one of them: usually a session of your framework.
const users = new Map([
  [
    "session-of-ada",
    { sub: "user-17", name: "Ada Lovelace", role: "admin", rooms: { "/": "write", "team-*": "moderate" } },
  ],
  ["session-of-bob", { sub: "user-18", name: "Bob", rooms: { "/": "write", "team-*": "none", "team-b": "read" } }],
]);
const userOf = (request) => users.get(/session=([\w-]+)/.exec(request.headers.cookie)?.[1]);

const server = createServer((request, response) => {
  const user = userOf(request);
  if (request.method !== "POST" || request.url !== "/chat-token") return response.writeHead(404).end();
  if (!user) return response.writeHead(401).end();
  const exp = Math.floor(Date.now() / 1000) + 3600;
  response.writeHead(200, { "Content-Type": "text/plain", "Cache-Control": "no-store" });
  response.end(sign({ ...user, iss: "https://www.example.com", aud: "chat", exp }));
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
