import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

/** What clients of this process have used and nobody else may read: private ids, tokens, and the secrets behind them. */
export const secrets = new Set();

/** assertNoSecretIn fails if a server has written one of them. It does not print it. */
export function assertNoSecretIn(output) {
  for (const secret of secrets) {
    const at = output.indexOf(secret);
    assert(at < 0, `the server wrote a secret: ${output.slice(Math.max(0, at - 200), at)}`);
  }
}

/** secret makes the value of a setting that nobody may read. */
export function secret(name) {
  const value = Array(8).fill(name).join(" ");
  secrets.add(value);
  return value;
}

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** tokenOf signs a token (HS256) that lasts so many seconds. */
export function tokenOf(key, sub, seconds, more = {}) {
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const text = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ sub, exp, ...more })}`;
  const token = `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
  secrets.add(token);
  return token;
}
