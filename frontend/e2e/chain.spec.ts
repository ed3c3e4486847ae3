import { randomUUID } from "node:crypto";
import { admin, allSubjects, deliver, event, expect, openWithNothingUnread, row, signIn, test } from "./support";

test("a signed batch appears in two browsers as rows and notifications", async ({ page, anotherPage }) => {
  const other = await anotherPage();
  await signIn(page);
  await signIn(other);
  const subject = `Invoice ${randomUUID()}`;
  const batch = [event("send", { subject }), event("open", { subject })];
  await deliver(batch);
  for (const current of [page, other]) {
    await expect(row(current, subject)).toHaveCount(2);
    await expect(row(current, subject).filter({ hasText: "Opened" })).toHaveCount(1);
    await expect(current.getByRole("log")).toContainText(subject);
  }
  // A duplicate delivery adds no rows.
  await deliver(batch);
  const last = `Last ${subject}`;
  await deliver([event("send", { subject: last })]);
  await expect(row(page, last)).toHaveCount(1);
  await expect(row(page, subject)).toHaveCount(3);
  await page.getByRole("button", { name: /Notifications/ }).click();
  await expect(page.getByRole("complementary", { name: "Notifications" })).toContainText(`opened “${subject}”`);
});

test("a test notification to everybody or to one user appears in another browser", async ({ page, anotherPage }) => {
  const other = await anotherPage();
  await signIn(page);
  await signIn(other);
  for (const to of ["Everybody", `${admin.email} (you)`]) {
    const text = `Test ${randomUUID()}`;
    await page.getByRole("link", { name: "Notifications" }).click();
    await page.getByRole("button", { name: "Test" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByLabel("To")).toContainText("(you)");
    await dialog.getByLabel("To").selectOption({ label: to });
    await dialog.getByLabel("Text").fill(text);
    await dialog.getByRole("button", { name: "Send" }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole("list", { name: "Notifications" })).toContainText(text);
    await expect(other.getByRole("log")).toContainText(text);
  }
});

test("reading notifications in one browser clears the unread count in another", async ({ page, anotherPage }) => {
  const other = await anotherPage();
  await signIn(page);
  await signIn(other);
  const bell = (current: typeof page) => current.getByRole("button", { name: /^Notifications/ });
  await openWithNothingUnread(page, "/notifications");
  for (const current of [page, other]) await expect(bell(current)).toHaveAccessibleName("Notifications");
  await deliver([event("open", { subject: `Read ${randomUUID()}` })]);
  for (const current of [page, other]) await expect(bell(current)).toHaveAccessibleName(/unread$/);
  await bell(page).click();
  for (const current of [page, other]) await expect(bell(current)).toHaveAccessibleName("Notifications");
  await other.reload();
  await expect(bell(other)).toHaveAccessibleName("Notifications");
});

test("pages require signing in, and the user returns to the requested page", async ({ page }) => {
  await page.goto("/notifications?x=1");
  await expect(page).toHaveURL("/sign-in?next=/notifications?x=1");
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("The email or the password is wrong.");
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/notifications?x=1");
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in?next=/notifications?x=1");
  await page.goto("/sign-in?next=//evil.example/");
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/");
});

test("scrolling loads each older event once, and new events wait until requested", async ({ page }) => {
  const run = randomUUID();
  const subjects = Array.from({ length: 250 }, (_, n) => `Letter ${n} of ${run}`);
  await deliver(subjects.map((subject) => event("send", { subject })));
  await signIn(page, `/?q=${run}`);
  const scrollAndCount = async () => {
    await page.mouse.wheel(0, 20_000);
    return page.getByRole("grid").getAttribute("aria-rowcount");
  };
  await expect.poll(scrollAndCount).toBe("251");
  const late = `Late ${run}`;
  await deliver([event("send", { subject: late })]);
  const newButton = page.getByRole("button", { name: /^\d+ new$/ });
  await expect(newButton).toHaveText("1 new");
  await expect(row(page, late)).toHaveCount(0);
  await newButton.click();
  await expect(row(page, late)).toHaveCount(1);
  expect((await allSubjects(page)).sort()).toEqual([late, ...subjects].sort());
});

test("after three disconnects in a burst of 10,000 events, the list shows every stored event once", async ({
  page,
}) => {
  // Reading 10,000 rows page by page takes a while on busy machines.
  test.slow();
  const run = randomUUID();
  const [BATCHES, BATCH] = [20, 500];
  let opened = 0;
  let disconnect = (): Promise<void> => Promise.resolve();
  await page.routeWebSocket("/ws", (socket) => {
    opened += 1;
    socket.connectToServer();
    disconnect = () => socket.close({ code: 1012 });
  });
  await signIn(page, `/?q=${run}`);
  const before = opened;
  for (let n = 0; n < BATCHES; n++) {
    const delivery = deliver(
      Array.from({ length: BATCH }, (_, m) => event("send", { subject: `Letter ${n * BATCH + m} of ${run}` })),
    );
    const disconnects = Math.floor(n / 5);
    if (n % 5 === 4 && disconnects < 3) {
      await expect.poll(() => opened).toBe(before + disconnects);
      await disconnect();
    }
    await delivery;
  }
  await expect.poll(() => opened).toBe(before + 3);
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  const count = BATCHES * BATCH;
  await expect(page.locator('tbody [aria-rowindex="2"]')).toContainText(`Letter ${count - 1} of`);
  const exported = await page.request.get(`/api/events/export?format=ndjson&q=${run}`);
  const stored = (await exported.text()).trim().split("\n");
  // A tall window needs fewer scroll steps.
  await page.setViewportSize({ width: 1280, height: 2_000 });
  expect(await allSubjects(page)).toEqual(stored.map((line) => (JSON.parse(line) as { subject: string }).subject));
  expect(new Set(stored).size).toBe(count);
});

test("markup and scripts in event fields are shown as text", async ({ page }) => {
  await signIn(page);
  const attack = `<img src=x onerror=alert(1)>"'\`\${7*7}{{7*7}}<script>alert(1)</script> ${randomUUID()}`;
  await deliver([
    {
      ...event("open", { subject: attack, email: `<b>${attack}</b>`, tags: [attack], diag: attack }),
      location: { city: attack, country: "<i>" },
    },
    { ...event("click", { subject: attack }), url: "javascript:alert(1)" },
  ]);
  await expect(row(page, attack)).toHaveCount(2);
  await expect(page.getByRole("log")).toContainText(attack);
  await expect(page.locator("a[href^=javascript]")).toHaveCount(0);
});
