import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const config: NextConfig = {
  output: "export",
  // The form loads its own styles only; by default Turbopack merges those of the room into the same file.
  experimental: { cssChunking: "graph" },
  reactStrictMode: true,
  poweredByHeader: false,
  devIndicators: false,
  env: { NEXT_PUBLIC_VERSION: version },
  turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) },
  // The folder of the export, if not out/: the end-to-end tests do not overwrite a developer's build.
  ...(process.env.WEB_OUT_DIR ? { distDir: process.env.WEB_OUT_DIR } : {}),
};

export default config;
