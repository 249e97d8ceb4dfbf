import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * The server's address is part of a build, and so is the policy that names it. The tests build for an address that does
 * not exist; each browser maps it to the port of its server.
 */
export const serverHost = "chat.test";

export const frontend = fileURLToPath(new URL("..", import.meta.url));
export const siteFolder = fileURLToPath(new URL("../out-e2e", import.meta.url));
export const chatd = fileURLToPath(new URL("../../bin/e2e/chatd", import.meta.url));

export default function build(): void {
  const server = fileURLToPath(new URL("../../server", import.meta.url));
  execFileSync("go", ["build", "-o", chatd, "./cmd/chatd"], { cwd: server, stdio: "inherit" });
  const env = {
    ...process.env,
    NEXT_PUBLIC_SERVER_URL: `http://${serverHost}`,
    WEB_OUT_DIR: "out-e2e",
    NEXT_TELEMETRY_DISABLED: "1",
  };
  execFileSync("npm", ["run", "build", "--silent"], { cwd: frontend, env, stdio: ["ignore", "ignore", "inherit"] });
}
