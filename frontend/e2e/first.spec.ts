import { badge, expect, test } from "./room";

/*
 * What a browser learns from the page before any input, and what link previews show.
 */

test("the font of the first letters and the server are named in the page itself", async ({ room }) => {
  const page = await room.visit();
  const preloaded = page.locator("link[rel=preload][as=font]");
  await expect(preloaded).toHaveCount(1);
  // The page may be drawn for the first time only now; nothing needs a font before that.
  await expect.poll(() => page.evaluate(() => document.fonts.check('1em "Inter Variable"', "Chat 123"))).toBe(true);
  const fonts = () =>
    page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter(({ name }) => name.endsWith(".woff2"))
        .map(({ name, initiatorType }: PerformanceEntry & { initiatorType?: string }) => ({ name, initiatorType })),
    );
  // Fetched once, by the link, and used.
  await expect
    .poll(fonts)
    .toEqual([{ name: await preloaded.evaluate((link: HTMLLinkElement) => link.href), initiatorType: "link" }]);
  await expect(page.locator("link[rel=preconnect][href='http://chat.test']")).toHaveCount(1);
});

test("digits and spaces do not come from an emoji font while Inter loads", async ({ room }) => {
  const page = await room.visit();
  const font = await page.locator("link[rel=preload][as=font]").getAttribute("href");
  await page.addInitScript((url) => {
    document.addEventListener("DOMContentLoaded", () => {
      // Neither Inter nor a local font of its width, and an emoji font with digits, as usual.
      for (const face of [...document.fonts]) document.fonts.delete(face);
      const fonts = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules].map((rule) => ({ sheet, rule })));
      for (const { sheet, rule } of fonts.reverse()) {
        if (rule instanceof CSSFontFaceRule) sheet.deleteRule([...sheet.cssRules].indexOf(rule));
      }
      for (const name of ["Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji"]) {
        document.fonts.add(new FontFace(name, `url(${url})`));
      }
      void Promise.all([...document.fonts].map((face) => face.load()));
    });
  }, font);
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(badge(page)).toHaveText("Live");
  await page.evaluate(() => {
    const probe = document.createElement("p");
    probe.id = "probe";
    probe.textContent = "12 34";
    document.body.append(probe);
  });
  await expect
    .poll(() => page.evaluate(() => [...document.fonts].every((face) => face.status === "loaded")))
    .toBe(true);
  const session = await page.context().newCDPSession(page);
  await session.send("DOM.enable");
  await session.send("CSS.enable");
  const { root } = await session.send("DOM.getDocument");
  const { nodeId } = await session.send("DOM.querySelector", { nodeId: root.nodeId, selector: "#probe" });
  // Asked again until it is so: the browser draws a changed style when it next draws a frame.
  const drawn = expect.poll(async () => {
    const { fonts } = await session.send("CSS.getPlatformFontsForNode", { nodeId });
    return fonts.map(({ isCustomFont }) => isCustomFont);
  });
  await drawn.toEqual([false]);
  // The test would notice it.
  await page.evaluate(() => document.getElementById("probe")?.style.setProperty("font-family", '"Noto Color Emoji"'));
  await drawn.toEqual([true]);
});

test("browsers, phones and link previews find what they ask for", async ({ room }) => {
  const page = await room.visit();
  const at = (path: string) => page.request.get(`${room.siteUrl}${path}`);
  const icon = await at("/favicon.ico");
  expect(icon.status()).toBe(200);
  expect([...(await icon.body()).subarray(0, 6)]).toEqual([0, 0, 1, 0, 3, 0]);
  const links = await page
    .locator("link[rel=manifest], link[rel=apple-touch-icon], link[rel=icon]")
    .evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
  expect(links).toHaveLength(4);
  for (const link of links) expect((await at(link)).status(), link).toBe(200);
  const manifest = await (await at("/manifest.webmanifest")).json();
  expect(manifest).toMatchObject({ name: "Chat", id: "/", scope: "/", start_url: "/", display: "standalone" });
  expect(manifest.icons.filter(({ purpose }: { purpose: string }) => purpose === "maskable")).toHaveLength(2);
  for (const { src, sizes } of manifest.icons) {
    const drawn = await page.evaluate(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return image.naturalWidth;
    }, src);
    if (sizes !== "any") expect(`${drawn}x${drawn}`).toBe(sizes);
  }
  await expect(page.locator("meta[property='og:title']")).toHaveAttribute("content", "Chat");
  await expect(page.locator("meta[property='og:description']")).toHaveAttribute(
    "content",
    "Many rooms, everyone welcome.",
  );
  // This build does not know the address of its site, and a relative address is of no use.
  await expect(page.locator("meta[property='og:image']")).toHaveCount(0);
});
