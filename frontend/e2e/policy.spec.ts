import { expect, said, say, test } from "./room";

test("the policy of the page forbids what it should, and nothing that the page needs", async ({ room }) => {
  const page = await room.visit();
  const blocked: string[] = [];
  await page.exposeFunction("report", (what: string) => void blocked.push(what));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      (window as unknown as { report(what: string): void }).report(event.violatedDirective),
    );
  });
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await say(page, "hello");
  await expect(said(page, "hello").getByLabel("Sent")).toBeVisible();
  expect(blocked).toEqual([]);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.body.append(script);
    void fetch("http://elsewhere.example/").catch(() => {});
  });
  await expect.poll(() => blocked.toSorted()).toEqual(["connect-src", "script-src-elem"]);
  expect(await page.evaluate(() => "injected" in window)).toBe(false);
});
