import { expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import type { MailEvent } from "../../api/types";
import { mounted } from "../../mounted";
import EventTable from "./EventTable.vue";

const NEWEST = Date.UTC(2026, 10, 29, 12);

/** Events a minute apart, newest first, with ids that count down. */
function events(count: number, newestId = count): MailEvent[] {
  return Array.from({ length: count }, (_, at) => {
    const time = new Date(NEWEST - at * 60_000).toISOString();
    const id = newestId - at;
    return {
      id,
      kind: "open",
      recipient: `p${id}@example.com`,
      subject: `Subject ${id}`,
      tags: [],
      occurred_at: time,
      received_at: time,
      message_id: `m${id}`,
    } as unknown as MailEvent;
  });
}

async function table(items: readonly MailEvent[]) {
  scrollTo({ top: 0 });
  const handlers = {
    onOpen: vi.fn<(id: number) => void>(),
    onEnd: vi.fn<() => void>(),
    onReading: vi.fn<(reading: boolean) => void>(),
  };
  const shown = await mounted(EventTable, { items, loading: false, hasOlder: true, filter: {}, ...handlers });
  const rows = () => [...shown.host.querySelectorAll<HTMLElement>(".event-row")];
  await expect.poll(() => rows().length).toBeGreaterThan(5);
  return {
    ...shown,
    ...handlers,
    rows,
    row: (id: number) => shown.host.querySelector<HTMLElement>(`[data-id="${id}"]`),
  };
}

test("of 100,000 events, only the rows near the viewport are rendered, wherever one scrolls", async () => {
  const { rows, host } = await table(events(100_000));
  expect(rows().length).toBeLessThan(120);
  scrollTo({ top: document.documentElement.scrollHeight / 2 });
  await expect.poll(() => rows().some((one) => one.getBoundingClientRect().top > 0)).toBe(true);
  await expect.poll(() => Number(rows()[0]?.dataset["id"])).toBeLessThan(60_000);
  expect(rows().length).toBeLessThan(120);
  const visible = rows().filter(
    (one) => one.getBoundingClientRect().bottom > 0 && one.getBoundingClientRect().top < 800,
  );
  expect(visible.length).toBeGreaterThan(15);
  expect(host.scrollWidth).toBeLessThanOrEqual(1280);
});

test("the focused row keeps the focus and its text when newer events arrive above and when it is scrolled away", async () => {
  const { change, row } = await table(events(500));
  row(495)?.focus();
  await change({ items: events(700, 700) });
  expect(document.activeElement).toBe(row(495));
  expect(row(495)?.textContent).toContain("Subject 495");
  scrollTo({ top: 20_000 });
  await expect.poll(() => row(200) !== null || row(150) !== null || row(145) !== null).toBe(true);
  expect(document.activeElement).toBe(row(495));
});

test("arrow keys, Home and End move the focus, and the row comes into view", async () => {
  const { row, onOpen, onEnd } = await table(events(300));
  row(300)?.focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}");
  expect(document.activeElement).toBe(row(298));
  await userEvent.keyboard("{End}");
  await expect.poll(() => document.activeElement).toBe(row(1));
  const { top, bottom } = row(1)?.getBoundingClientRect() ?? new DOMRect();
  expect(top).toBeGreaterThanOrEqual(0);
  expect(bottom).toBeLessThanOrEqual(innerHeight);
  expect(onEnd).toHaveBeenCalled();
  await userEvent.keyboard("{Enter}");
  expect(onOpen).toHaveBeenCalledWith(1);
});

test("Shift and the arrow keys select a run of events, and Esc clears it", async () => {
  const { row, host } = await table(events(50));
  row(48)?.focus();
  await userEvent.keyboard("{Shift>}{ArrowDown}{ArrowDown}{/Shift}");
  const selected = () =>
    [...host.querySelectorAll<HTMLElement>("[aria-selected=true]")].map(({ dataset }) => dataset["id"]);
  await expect.poll(selected).toEqual(["48", "47", "46"]);
  await userEvent.keyboard("{Escape}");
  await expect.poll(selected).toEqual([]);
});
