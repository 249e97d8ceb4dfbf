// A small issuer of tokens with public keys, in place of Auth0, Clerk or your own single sign-on.
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

class Issuer {
  #keys = [];

  /** addKey publishes one more key. The oldest key that is published signs. */
  addKey() {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#keys.push({ ...pair, kid: randomUUID() });
  }

  /** rotate lets the next key sign, from now on. The old one is published as long as its tokens may be in use. */
  rotate() {
    this.#keys.push(this.#keys.shift());
  }

  /** jwks is what the issuer publishes: the public halves of its keys (RFC 7517). */
  get jwks() {
    const keys = this.#keys.map(({ publicKey, kid }) => ({
      ...publicKey.export({ format: "jwk" }),
      kid,
      alg: "ES256",
      use: "sig",
    }));
    return JSON.stringify({ keys });
  }

  /** token signs claims about a user, for so many seconds. */
  token(claims, seconds) {
    const [{ privateKey, kid }] = this.#keys;
    const now = Math.floor(Date.now() / 1000);
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = [
      { alg: "ES256", typ: "JWT", kid },
      { iss: this.url, aud: "chat", iat: now, exp: now + seconds, ...claims },
    ]
      .map(part)
      .join(".");
    return `${text}.${sign("sha256", text, { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  }
}

/** startIssuer starts an issuer with one key, which publishes its keys at /.well-known/jwks.json. */
export async function startIssuer() {
  const issuer = new Issuer();
  issuer.addKey();
  issuer.server = createServer((request, response) => {
    if (request.url !== "/.well-known/jwks.json") return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": "application/json" }).end(issuer.jwks);
  });
  await once(issuer.server.listen(0, "127.0.0.1"), "listening");
  issuer.url = `http://127.0.0.1:${issuer.server.address().port}`;
  return issuer;
}
