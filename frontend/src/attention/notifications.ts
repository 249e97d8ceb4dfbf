import { siteName } from "@/browser/sitename";

/** Dismissed: the person did not choose and may be asked again. */
export type Permission = "granted" | "denied" | "dismissed" | "unsupported";

/** Lets the browser ask the person, unless it did before, and shows a sample notification. Call it from a click. */
export async function askToNotify(): Promise<Permission> {
  if (typeof Notification === "undefined") return "unsupported";
  const permission = await Notification.requestPermission().catch(() => "denied" as const);
  if (permission !== "granted") return permission === "default" ? "dismissed" : "denied";
  return showNotification({ title: siteName, body: "New messages are shown like this." }, () => {})
    ? "granted"
    : "unsupported";
}

/** Whether the browser shows notifications now: the person can withdraw the permission. */
export function mayNotify(): boolean {
  return typeof Notification !== "undefined" && Notification.permission === "granted";
}

/** Shows a notification; a click brings the page to the front. Returns false if the browser cannot show it. */
export function showNotification({ title, body }: { title: string; body: string }, clicked: () => void): boolean {
  try {
    // One at a time: the next notification replaces the last one and makes itself noticed again.
    const options: NotificationOptions & { renotify: boolean } = {
      body,
      tag: "chat",
      renotify: true,
      icon: "/icon.svg",
    };
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      clicked();
      notification.close();
    };
    return true;
  } catch {
    return false; // some phones allow it to service workers only
  }
}
