import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  poweredByHeader: false,
  devIndicators: false,
  env: { NEXT_PUBLIC_VERSION: version },
  turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) },
  // Where the export goes, if not to out/: the end-to-end tests leave a developer's own build alone.
  ...(process.env.WEB_OUT_DIR ? { distDir: process.env.WEB_OUT_DIR } : {}),
};

export default config;
