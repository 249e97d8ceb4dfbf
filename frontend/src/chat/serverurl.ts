/**
 * serverUrl returns the address of the chat server, which is part of the build. It throws in a production build without
 * a valid address. Development falls back to the server of `npm run dev`.
 */
export function serverUrl(given: string | undefined, production: boolean): string {
  if (!given && !production) return "http://localhost:8000";
  if (!given)
    throw new Error("NEXT_PUBLIC_SERVER_URL is not set: the address of the chat server is part of the build.");
  const url = parsed(given);
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new Error(
    `NEXT_PUBLIC_SERVER_URL must be like https://chat.example.com, without a path (it is ${given})${hint(given)}`,
  );
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** hint suggests a valid address for common mistakes: quotes, a missing scheme, or the scheme of a WebSocket. */
function hint(given: string): string {
  const bare = given.replace(/^["'\s]+|["'\s]+$/g, "");
  const address = bare.replace(/^(https?|wss?):\/\//i, "");
  const plain = /^(http|ws):/i.test(bare) || /^(localhost|127\.|\[::1\])/.test(address);
  const better = address.includes("://") ? undefined : parsed(`${plain ? "http" : "https"}://${address}`);
  return better ? `; write ${better.origin}` : "";
}
