/**
 * keepForOffline installs the worker that opens the page without a network (worker/offline.js). A browser may not have
 * workers or may block them; then the page needs the network, as any page does.
 */
export async function keepForOffline(): Promise<void> {
  if (process.env.NODE_ENV !== "production" || process.env.NEXT_PUBLIC_OFFLINE === "off") return;
  try {
    await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
  } catch {
    // Blocked, or the host has no worker.
  }
}
