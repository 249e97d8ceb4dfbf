/**
 * serverUrl returns the address of the chat server. It is part of the build: a production build without one, or with one
 * that is none, fails. Development has the server that `npm run dev` starts.
 */
export function serverUrl(given: string | undefined, production: boolean): string {
  if (!given && !production) return "http://localhost:8000";
  if (!given)
    throw new Error("NEXT_PUBLIC_SERVER_URL is not set: the address of the chat server is part of the build.");
  const { protocol, origin, pathname } = new URL(given);
  if ((protocol !== "http:" && protocol !== "https:") || pathname !== "/") {
    throw new Error(`NEXT_PUBLIC_SERVER_URL must be like https://chat.example.com, without a path: ${given}`);
  }
  return origin;
}
