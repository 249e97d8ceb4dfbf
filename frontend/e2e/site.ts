import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { pipeline } from "node:stream";
import { createGzip } from "node:zlib";

const types: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** Static hosts compress text. */
const packs = (type: string) => /^text|json$|svg/.test(type);

/** Takes a request over, and says so. */
type Takes = (path: string, response: ServerResponse) => boolean;

interface Site {
  url: string;
  close: () => Promise<void>;
}

/** serveSite serves a folder as a static host does, except for what is taken over. Port 0 is any free port. */
export async function serveSite(folder: string, port: number, takes: Takes = () => false): Promise<Site> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://site").pathname));
    if (takes(path, response)) return;
    const file = join(folder, path.endsWith("/") ? join(path, "index.html") : path);
    const found = file.startsWith(folder) && existsSync(file) && statSync(file).isFile();
    const served = found ? file : join(folder, "404.html");
    const type = types[extname(served)] ?? "application/octet-stream";
    response.writeHead(found ? 200 : 404, { "Content-Type": type, ...(packs(type) && { "Content-Encoding": "gzip" }) });
    const bytes = createReadStream(served);
    // A browser that leaves ends both streams: nobody waits for the answer.
    if (packs(type)) pipeline(bytes, createGzip(), response, () => {});
    else pipeline(bytes, response, () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
