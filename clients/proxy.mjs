import { once } from "node:events";
import { connect, createServer } from "node:net";

/** CuttingProxy passes TCP connections on to a port and can cut them: now, all of them, or each after so many bytes. */
class CuttingProxy {
  /** How many bytes to the client the next connection may carry before it is cut. */
  nextLimit = () => Number.POSITIVE_INFINITY;
  /** Connections cut so far, by limit or by hand. */
  cuts = 0;
  #refusing = false;
  #pairs = new Set();
  #listener;

  constructor(targetPort) {
    this.#listener = createServer((client) => this.#pass(client, targetPort));
  }

  async listen() {
    this.#listener.listen(0, "127.0.0.1");
    await once(this.#listener, "listening");
    this.url = `http://127.0.0.1:${this.#listener.address().port}`;
    return this;
  }

  #pass(client, targetPort) {
    if (this.#refusing) return client.destroy();
    const server = connect(targetPort, "127.0.0.1");
    const pair = { client, server };
    this.#pairs.add(pair);
    let left = this.nextLimit();
    server.on("data", (chunk) => {
      left -= chunk.length;
      if (left >= 0) client.write(chunk);
      else this.#cut(pair, chunk.subarray(0, chunk.length + left));
    });
    client.on("data", (chunk) => server.write(chunk));
    for (const socket of [client, server]) {
      // An error needs no handling: "close" follows it.
      socket.on("error", () => {});
      socket.on("close", () => this.#end(pair));
    }
  }

  #end(pair) {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  }

  #cut(pair, lastBytes = Buffer.alloc(0)) {
    if (!this.#pairs.delete(pair)) return;
    this.cuts++;
    pair.server.destroy();
    pair.client.write(lastBytes, () => pair.client.destroy());
  }

  /** cut ends every open connection, at any byte. */
  cut() {
    for (const pair of this.#pairs) this.#cut(pair);
  }

  /** refuse cuts every connection, and accepts no other until accept. */
  refuse() {
    this.#refusing = true;
    this.cut();
  }

  accept() {
    this.#refusing = false;
  }

  close() {
    this.refuse();
    this.#listener.close();
  }
}

/** startProxy starts a proxy in front of the server that ends with the test. */
export async function startProxy(t, server) {
  const proxy = new CuttingProxy(server.port);
  t.after(() => proxy.close());
  return await proxy.listen();
}
