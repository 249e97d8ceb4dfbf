import { expectAccessible, phone, wide } from "./looking";
import { composer, expect, list, test } from "./room";

test("a sheet shows every shortcut: by Ctrl+/ from anywhere, and from the settings", async ({ room }) => {
  const page = await room.join("ada", wide);
  const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await page.keyboard.type("why?");
  await expect(composer(page)).toHaveValue("why?");
  await expect(sheet).toBeHidden();
  await page.keyboard.press("Control+/");
  await expect(sheet).toBeVisible();
  await expect(sheet.getByRole("region", { name: "Everywhere" })).toContainText("Show these shortcutsCtrl/");
  // In a low window the list gets it, so that the keys scroll.
  await expect.poll(() => sheet.evaluate((node) => node.contains(document.activeElement))).toBe(true);
  await page.keyboard.press("Escape");
  await expect(sheet).toBeHidden();
  await expect(composer(page)).toBeFocused();

  await list(page).focus();
  await page.keyboard.press("Control+/");
  await expect(sheet).toBeVisible();
  await page.keyboard.press("Control+/"); // behind a dialog nothing listens
  await sheet.getByRole("button", { name: "Close" }).click();
  await expect(sheet).toBeHidden();
  await expect(composer(page)).toHaveValue("why?");

  await page.getByRole("button", { name: /Settings/ }).click();
  await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  await expect(page.getByRole("dialog", { name: "Settings" })).toBeHidden();
  await expect(sheet).toBeVisible();
  await page.mouse.click(5, 5);
  await expect(sheet).toBeHidden();
});

test("the sheet is accessible in every scheme, and fits a phone", async ({ room }) => {
  for (const options of [wide, phone]) {
    const page = await room.join("ada", options);
    await page.getByRole("button", { name: /Settings/ }).click();
    await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
    for (const media of [{ colorScheme: "dark" }, { colorScheme: "light" }, { forcedColors: "active" }] as const) {
      await page.emulateMedia(media);
      await expectAccessible(page);
    }
    const { width } = (await page.getByRole("dialog").boundingBox()) ?? { width: 0 };
    expect(width).toBeLessThan(options.viewport?.width ?? 0);
    await page.context().close();
  }
});

test("the settings close by their cross, by Escape and by Enter, and only Enter keeps the name", async ({ room }) => {
  const page = await room.join("ada", wide);
  const settings = page.getByRole("button", { name: /Settings/ });
  const dialog = page.getByRole("dialog", { name: "Settings" });
  const name = dialog.getByRole("textbox", { name: "Your name" });
  for (const end of ["cross", "Escape", "Enter", "Enter"]) {
    await settings.click();
    await expect(name).toBeFocused();
    await name.fill("countess");
    if (end === "cross") await dialog.getByRole("button", { name: "Close" }).click();
    else await page.keyboard.press(end);
    await expect(dialog).toBeHidden();
    await expect(settings).toContainText(end === "Enter" ? "countess" : "ada");
  }
});
