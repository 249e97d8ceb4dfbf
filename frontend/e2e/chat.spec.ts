import { articles, badge, composer, expect, list, recordNotifications, said, say, setSeen, test, texts } from "./room";

test("two people chat", async ({ room }) => {
  const [ada, bob] = [await room.join("ada"), await room.join("bob")];
  await expect(ada.getByText("It is quiet here.")).toBeVisible();
  await say(ada, "hello bob");
  await say(bob, "hello ada");
  await say(ada, "how are you?");
  for (const page of [ada, bob]) {
    await expect.poll(() => texts(page)).toEqual(["hello bob", "hello ada", "how are you?"]);
  }
  // Own messages are on the right and were stored.
  await expect(said(ada, "hello bob")).toHaveAttribute("data-mine");
  await expect(said(ada, "hello bob").getByLabel("Sent")).toBeVisible();
  await expect(said(bob, "hello bob")).not.toHaveAttribute("data-mine");
  const [mine, other] = [await said(ada, "hello bob").boundingBox(), await said(ada, "hello ada").boundingBox()];
  expect(mine && other).toBeTruthy();
  const bubble = await said(ada, "hello bob").locator("div").first().boundingBox();
  expect((bubble?.x ?? 0) + (bubble?.width ?? 0) / 2).toBeGreaterThan((mine?.x ?? 0) + (mine?.width ?? 0) / 2);
  await expect(ada.getByText("2 online")).toBeVisible();
});

test("Enter sends, Shift+Enter starts a line", async ({ room }) => {
  const ada = await room.join("ada");
  await composer(ada).pressSequentially("one");
  await composer(ada).press("Shift+Enter");
  await composer(ada).pressSequentially("two");
  await composer(ada).press("Enter");
  await expect.poll(() => texts(ada)).toEqual(["one\ntwo"]);
  await expect(composer(ada)).toHaveValue("");
  await composer(ada).press("Enter");
  await expect(articles(ada)).toHaveCount(1);
});

test("a draft survives a reload, and a visit to another page", async ({ room }) => {
  const ada = await room.join("ada");
  await composer(ada).pressSequentially("not yet");
  await ada.reload();
  await expect(composer(ada)).toHaveValue("not yet");
  await ada.goto(`${room.siteUrl}/nowhere`);
  await ada.goBack();
  await expect(composer(ada)).toHaveValue("not yet");
  await ada.goForward();
  await ada.goBack();
  await composer(ada).press("End");
  await composer(ada).pressSequentially(" said");
  await composer(ada).press("Enter");
  await expect.poll(() => texts(ada)).toEqual(["not yet said"]);
  await ada.reload();
  await expect(said(ada, "not yet said")).toBeVisible();
  await expect(composer(ada)).toHaveValue("");
});

test("blank lines around a message are removed for everybody", async ({ room }) => {
  const ada = await room.join("ada");
  const robot = await room.robot();
  await say(ada, "\n \n  one\n\ntwo\n\n");
  await expect.poll(() => robot.heard).toEqual(["  one\n\ntwo"]);
  await expect(said(ada, "one").getByLabel("Sent")).toBeVisible();
});

test("after a reload the page is the same person and sees the history", async ({ room }) => {
  const [ada, bob] = [await room.join("ada"), await room.join("bob")];
  await say(ada, "before");
  await expect(said(bob, "before")).toBeVisible();
  await ada.reload();
  await expect(badge(ada)).toHaveText("Live");
  await expect(said(ada, "before")).toHaveAttribute("data-mine");
  await say(bob, "after");
  await expect.poll(() => texts(ada)).toEqual(["before", "after"]);
});

test("pitfall 2: one page is one connection", async ({ room }) => {
  const page = await room.visit();
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible(); // the first one is open
  const opened: string[] = [];
  page.on("websocket", (socket) => opened.push(socket.url()));
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 online")).toBeVisible();
  expect(opened).toHaveLength(1);
});

test("pitfall 3: namesakes stay apart, and own messages stay own after a change of name", async ({ room }) => {
  const [one, two] = [await room.join("ada"), await room.join("ada")];
  await say(one, "from one");
  await say(two, "from two");
  await expect(said(one, "from one")).toHaveAttribute("data-mine");
  await expect(said(one, "from two")).not.toHaveAttribute("data-mine");
  await one.getByRole("button", { name: /Settings/ }).click();
  await expect(one.getByText("Somebody else uses this name too.")).toBeVisible();
  await one.getByRole("textbox", { name: "Your name" }).fill("countess");
  await one.keyboard.press("Enter");
  await expect(one.getByRole("dialog")).toBeHidden();
  await say(one, "renamed");
  await expect(said(two, "renamed").getByText("countess")).toBeVisible();
  await expect(said(one, "from one")).toHaveAttribute("data-mine");
  await one.reload();
  await expect(said(one, "from one")).toHaveAttribute("data-mine");
  await expect(said(one, "renamed")).toHaveAttribute("data-mine");
});

test("a name is checked as the server checks it", async ({ room }) => {
  const page = await room.visit();
  await page.getByLabel("Your name").fill("x".repeat(65));
  await page.keyboard.press("Enter");
  await expect(page.getByText("A name can have at most 64 characters.")).toBeVisible();
  await page.getByLabel("Your name").fill("   ");
  await page.keyboard.press("Enter");
  await say(page, "who am I?");
  await expect(said(page, "who am I?").getByText("anonymous")).toBeAttached();
});

test("links lead to pages and nowhere else; text is text", async ({ room }) => {
  const [ada, bob] = [await room.join("ada"), await room.join("<b>bob</b>")];
  await say(bob, "<img src=x onerror=alert(1)> see https://example.com/a?b=1. javascript:alert(1)");
  const link = said(ada, "see").locator("[data-text] a");
  await expect(link).toHaveCount(1);
  await expect(link).toHaveAttribute("href", "https://example.com/a?b=1");
  await expect(link).toHaveAttribute("rel", /noopener noreferrer/);
  await expect(said(ada, "see").locator("bdi")).toHaveText("<b>bob</b>");
  await expect(list(ada).locator("img")).toHaveCount(0);
});

test("typing is shown and ends with the message", async ({ room }) => {
  const [ada, bob] = [await room.join("ada"), await room.join("bob")];
  await composer(bob).pressSequentially("hm");
  await expect(ada.getByText("bob is typing")).toBeVisible();
  await composer(bob).press("Enter");
  await expect(ada.getByText("bob is typing")).toBeHidden();
  await composer(bob).pressSequentially("again");
  await expect(ada.getByText("bob is typing")).toBeVisible();
  await composer(bob).fill("");
  await expect(ada.getByText("bob is typing")).toBeHidden();
});

test("pitfall 9: tabs of one person, and of two people in one browser", async ({ room }) => {
  const first = await room.join("ada");
  const second = await first.context().newPage();
  await second.goto(room.siteUrl);
  // The form offers the remembered name and still asks.
  await expect(second.getByLabel("Your name")).toHaveValue("ada");
  await second.keyboard.press("Tab");
  await second.getByRole("button", { name: "Join the room" }).click();
  await say(second, "from the other tab");
  await expect(said(first, "from the other tab")).toHaveAttribute("data-mine");
  const third = await first.context().newPage();
  await third.goto(room.siteUrl);
  await third.getByLabel("Your name").fill("bob");
  await third.keyboard.press("Enter");
  await say(third, "from bob");
  await expect(said(first, "from bob")).not.toHaveAttribute("data-mine");
  await expect(said(third, "from the other tab")).not.toHaveAttribute("data-mine");
});

test("the title counts messages that arrive while the page is not visible", async ({ room }) => {
  const ada = await room.join("ada");
  const robot = await room.robot();
  await robot.say("seen");
  await expect(said(ada, "seen")).toBeVisible();
  await setSeen(ada, false);
  // Messages of the first second of a page are history.
  await expect(async () => {
    await robot.say("unseen");
    await expect(ada).toHaveTitle(/^\(\d+\) Chat$/, { timeout: 200 });
  }).toPass();
  await setSeen(ada, true);
  await expect(ada).toHaveTitle("Chat");
});

test("a visible window without the focus counts messages until it is clicked", async ({ room }) => {
  const ada = await room.join("ada");
  const robot = await room.robot();
  const setFocus = (focused: boolean) =>
    ada.evaluate((value) => {
      document.hasFocus = () => value;
      window.dispatchEvent(new Event(value ? "focus" : "blur"));
    }, focused);
  await setFocus(false);
  await expect(async () => {
    await robot.say("unseen");
    await expect(ada).toHaveTitle(/^\(\d+\) Chat$/, { timeout: 200 });
  }).toPass();
  await setFocus(true);
  await expect(ada).toHaveTitle("Chat");
});

test("without sound and locks the page works and stays silent", async ({ room }) => {
  const page = await room.visit();
  await page.addInitScript(() => {
    Reflect.deleteProperty(window, "AudioContext");
    const refuse = () => Promise.reject(new DOMException("no", "SecurityError"));
    Object.defineProperty(navigator, "locks", { value: { request: refuse, query: refuse } });
  });
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /Settings/ }).click();
  await page.getByLabel("Play a sound").click();
  await expect(page.getByLabel("Play a sound")).toBeChecked();
  await page.keyboard.press("Escape");
  await setSeen(page, false);
  const robot = await room.robot();
  await expect(async () => {
    await robot.say("unseen");
    await expect(page).toHaveTitle(/^\(\d+\) Chat$/, { timeout: 200 });
  }).toPass();
  // An unhandled error fails the test at its end.
  await setSeen(page, true);
  await say(page, "seen");
  await expect(said(page, "seen").getByLabel("Sent")).toBeVisible();
});

test("pitfall 9: a notification is asked for, and only one of several tabs shows it", async ({ room }) => {
  const first = await room.join("ada");
  const context = first.context();
  await recordNotifications(context);
  await first.reload();
  const second = await context.newPage();
  await second.goto(room.siteUrl);
  await second.getByRole("button", { name: "Join the room" }).click();
  const tabs = [first, second];
  const shown = async () =>
    (await Promise.all(tabs.map((tab) => tab.evaluate(() => (window as unknown as { shown: string[] }).shown)))).flat();
  const robot = await room.robot();
  // Messages of the first second of a page are history; the log shows when that second is over.
  for (const tab of tabs) {
    await expect(async () => {
      await robot.say("hello");
      await expect(tab.getByRole("log")).toContainText(/robot: hello|new messages/, { timeout: 200 });
    }).toPass();
  }
  await first.getByRole("button", { name: /Settings/ }).click();
  await first.getByLabel("Show a notification").click();
  await expect(first.getByLabel("Show a notification")).toBeChecked();
  await expect.poll(shown).toEqual(["Chat: New messages are shown like this."]);
  await first.evaluate(() => (window as unknown as { shown: string[] }).shown.splice(0));
  await first.keyboard.press("Escape");

  await setSeen(first, false);
  await robot.say("while the other tab is seen");
  for (const tab of tabs) await expect(said(tab, "while the other tab is seen")).toBeVisible();
  // The tab asks whether another tab is visible; an answer to a later query implies an answer to that one.
  await first.evaluate(() => navigator.locks.query());
  await setSeen(second, false);
  await expect(async () => {
    await robot.say("while none is");
    await expect.poll(async () => (await shown()).length, { timeout: 300 }).toBeGreaterThan(0);
  }).toPass();
  await robot.say("and once more");
  await expect.poll(shown).toContain("robot: and once more");
  for (const tab of tabs) await expect(said(tab, "and once more")).toBeVisible();
  // Earlier ones may still be on their way.
  expect((await shown()).filter((words) => words === "robot: and once more")).toHaveLength(1);
  expect(await shown()).not.toContain("robot: while the other tab is seen");
});
