import { expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { mounted } from "../mounted";
import LineChart from "./LineChart.vue";

const VALUES = [3, 8, 5, 0, 13, 2, 7];

/** A chart of seven days, of which the last is incomplete. */
async function chart(more: Record<string, unknown> = {}) {
  const onZoom = vi.fn<(first: number, last: number) => void>();
  const shown = await mounted(LineChart, {
    lines: [{ name: "Sent", tone: "ok", values: VALUES }],
    comparison: null,
    labels: VALUES.map((_, at) => `Day ${at + 1}`),
    partial: VALUES.map((_, at) => at === VALUES.length - 1),
    ticks: () => [0, 3, 6],
    tickName: (bucket: number) => `${bucket + 1}`,
    format: (value: number) => `${value} mails`,
    label: "Volume by day",
    description: (bucket: number) => `Day ${bucket + 1}: ${VALUES[bucket]} sent`,
    onZoom,
    ...more,
  });
  const slider = page.getByRole("slider", { name: "Volume by day" });
  await expect.poll(() => shown.host.querySelector("canvas")).not.toBeNull();
  return { ...shown, slider, onZoom };
}

test("arrow keys select a bucket, and Enter zooms into it", async () => {
  const { slider, onZoom, host } = await chart();
  (slider.element() as HTMLElement).focus();
  await expect.element(slider).toHaveAttribute("aria-valuetext", "Day 7: 7 sent");
  await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
  await expect.element(slider).toHaveAttribute("aria-valuenow", "5");
  await expect.poll(() => host.querySelector(".line-tip")?.textContent).toContain("13 mails");
  await userEvent.keyboard("{Home}{ArrowLeft}");
  await expect.element(slider).toHaveAttribute("aria-valuenow", "1");
  await userEvent.keyboard("{End}{ArrowRight}{Enter}");
  expect(onZoom).toHaveBeenLastCalledWith(6, 6);
});

test("a click zooms into the bucket below the pointer", async () => {
  const { host, onZoom } = await chart();
  const over = host.querySelector<HTMLElement>(".u-over") ?? host;
  await userEvent.click(over, { position: { x: 2.5 * (over.clientWidth / VALUES.length), y: 20 } });
  await expect.poll(() => onZoom.mock.calls).toEqual([[2, 2]]);
});

test("dragging over the chart zooms into the buckets below the pointer", async () => {
  const { host, onZoom } = await chart();
  const over = host.querySelector<HTMLElement>(".u-over") ?? host;
  const at = (bucket: number) => ({ x: (bucket + 0.5) * (over.clientWidth / VALUES.length), y: 20 });
  await userEvent.dragAndDrop(over, over, { sourcePosition: at(1), targetPosition: at(4) });
  await expect.poll(() => onZoom.mock.calls).toEqual([[1, 4]]);
});

test("an incomplete bucket is hatched, also after the chart becomes narrower", async () => {
  const { host, change } = await chart();
  /** Whether the top of a bucket, where there is no line, has anything drawn on it. */
  const isHatched = (bucket: number): boolean => {
    const canvas = host.querySelector("canvas");
    const over = host.querySelector<HTMLElement>(".u-over");
    if (!canvas || !over) return false;
    const [ratio, step] = [devicePixelRatio, over.clientWidth / VALUES.length];
    const left = (over.offsetLeft + bucket * step + 4) * ratio;
    const pixels = canvas
      .getContext("2d")
      ?.getImageData(left, (over.offsetTop + 2) * ratio, (step - 8) * ratio, 4).data;
    return pixels?.some((value, at) => at % 4 === 3 && value > 0) ?? false;
  };
  await expect.poll(() => [isHatched(6), isHatched(2)]).toEqual([true, false]);
  host.style.width = "400px";
  await expect.poll(() => host.querySelector("canvas")?.clientWidth).toBeLessThanOrEqual(400);
  await expect.poll(() => [isHatched(6), isHatched(2)]).toEqual([true, false]);
  await change({ partial: VALUES.map(() => false), labels: VALUES.map((_, at) => `Day ${at + 1}`) });
  await expect.poll(() => isHatched(6)).toBe(false);
});
