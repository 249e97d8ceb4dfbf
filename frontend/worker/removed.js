// Takes the place of the worker of an earlier build, and leaves nothing.

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(removeAll()));

async function removeAll() {
  const names = (await caches.keys()).filter((name) => name.startsWith("chat-"));
  await Promise.all(names.map((name) => caches.delete(name)));
  await registration.unregister();
}
