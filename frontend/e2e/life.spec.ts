import type { Page } from "@playwright/test";
import { badge, countdown, expect, list, said, say, setSeen, stopTimeInLongCountdown, test } from "./room";

/** The events of a page that returns from the browser's cache or becomes visible again. */
const events = {
  "a pageshow event": (page: Page) => page.evaluate(() => void window.dispatchEvent(new Event("pageshow"))),
  "a visibilitychange to visible": (page: Page) => setSeen(page, true),
};

for (const [name, tell] of Object.entries(events)) {
  test(`pitfall 5: ${name} connects at once, however long the countdown`, async ({ room }) => {
    const page = await room.visit();
    await page.clock.install();
    await page.reload();
    await page.getByLabel("Your name").fill("ada");
    await page.keyboard.press("Enter");
    await expect(badge(page)).toHaveText("Live");
    await room.server.end("SIGKILL");
    await expect(badge(page)).toHaveText("Offline");
    await stopTimeInLongCountdown(page);
    await room.server.start();
    // A hidden page does not hurry, and no attempt is due now.
    await setSeen(page, false);
    await expect(countdown(page)).toBeVisible();
    await tell(page);
    await expect(badge(page)).toHaveText("Live");
    await page.clock.resume();
    await say(page, "here again");
    await expect(said(page, "here again").getByLabel("Sent")).toBeVisible();
  });
}

test("a traveller reads local times and days", async ({ room }) => {
  const page = await room.join("ada");
  const session = await page.context().newCDPSession(page);
  const travel = async (timezoneId: string) => {
    await session.send("Emulation.setTimezoneOverride", { timezoneId });
    await setSeen(page, true);
  };
  await travel("Etc/GMT+11");
  await say(page, "hello");
  await expect(said(page, "hello").getByLabel("Sent")).toBeVisible();
  const time = said(page, "hello").locator("time");
  const [clock, day] = [await time.textContent(), await time.getAttribute("title")];
  await travel("Etc/GMT-14"); // 25 hours later
  await expect(time).not.toHaveText(clock ?? "");
  await expect(time).not.toHaveAttribute("title", day ?? "");
  await expect(list(page).getByText("Today")).toHaveCount(1);
});
