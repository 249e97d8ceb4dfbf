// The worker of the site. It opens the page without a network, and never mixes builds: a page and its files come from the
// same build, because a page names its files by their hashes. `build` is written above by scripts/offline.mjs.

const pagePath = "/";
const ours = "chat-";
const name = `${ours}${build.version}`;
/** A page that does not arrive within this time is answered by the one that is kept. */
const waitMs = 5000;

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(forgetOldBuilds()));
addEventListener("fetch", (event) => {
  const answer = answerTo(event.request);
  if (answer) event.respondWith(answer);
});

/** Keeps a whole build, or fails: then the browser tries again, and the worker before this one goes on. */
async function install() {
  const cache = await caches.open(name);
  await Promise.all(build.files.map(async (path) => cache.put(path, (await kept(path)) ?? (await fetched(path)))));
  const page = await fetched(pagePath, { cache: "no-store" });
  const named = (await page.clone().text()).match(/_next\/static\/chunks\/[^"'\\?]+/g) ?? [];
  // A host that is in the middle of a deployment may send the page of another build.
  if (!named.every((path) => build.known.includes(`/${path}`))) throw new Error("The page is of another build.");
  await cache.put(pagePath, page);
  await skipWaiting();
}

async function fetched(path, init) {
  const response = await fetch(path, init);
  // Some hosts send a page for a file that is gone.
  const isPage = (response.headers.get("Content-Type") ?? "").startsWith("text/html");
  if (!response.ok || response.redirected || isPage !== (path === pagePath)) throw new Error(`${path} is not there.`);
  return response;
}

/** Keeps one build beside this one: its pages may be open still, and need files that the host no longer has. */
async function forgetOldBuilds() {
  const others = (await caches.keys()).filter((other) => other.startsWith(ours) && other !== name); // oldest first
  await Promise.all(others.slice(0, -1).map((other) => caches.delete(other)));
}

/** The answer to a request for the page or for a file with a hash; the browser answers all others. */
function answerTo(request) {
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return undefined;
  if (request.mode === "navigate" && pathname === pagePath) return answerPage(request);
  return pathname.startsWith("/_next/static/") ? answerFile(request) : undefined;
}

async function answerFile(request) {
  return (await kept(request)) ?? fetch(request);
}

function kept(file) {
  return caches.match(file, { ignoreSearch: true, ignoreVary: true });
}

/** The page of the host, so that a deployment is seen at once; without an answer, the page of this build. */
async function answerPage(request) {
  const fresh = fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, waitMs));
  const answer = await Promise.race([fresh.catch(() => undefined), late]);
  if (answer && answer.status < 500) return answer;
  const cache = await caches.open(name);
  return (await cache.match(pagePath)) ?? fresh;
}
