/** Tells which items of a list have been on the screen long enough to be read. */

/** How long an item has to be visible, in milliseconds. */
const SEEN_AFTER = 2_000;
/** The part of an item that has to be visible. */
const VISIBLE_PART = 0.6;
/** Items seen within this time are reported together, in milliseconds. */
const REPORT_DELAY = 300;

/** The directive `v-seen="ids"` for elements that stand for one or more items. `report` receives the ids of items that have been seen. */
export function createSeen(report: (ids: readonly number[]) => void) {
  const timers = new Map<Element, ReturnType<typeof setTimeout>>();
  let seen: number[] = [];
  let reportTimer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    reportTimer = undefined;
    const ids = seen;
    seen = [];
    report(ids);
  }

  function stopTimer(element: Element): void {
    clearTimeout(timers.get(element));
    timers.delete(element);
  }

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        stopTimer(target);
        if (!isIntersecting) continue;
        timers.set(
          target,
          setTimeout(() => {
            timers.delete(target);
            // Nobody looks at a hidden page. It is looked at again once it is shown.
            if (document.hidden)
              return document.addEventListener("visibilitychange", () => observe(target), { once: true });
            observer.unobserve(target);
            seen.push(...`${(target as HTMLElement).dataset["seen"]}`.split(",").map(Number));
            reportTimer ??= setTimeout(flush, REPORT_DELAY);
          }, SEEN_AFTER),
        );
      }
    },
    { threshold: VISIBLE_PART },
  );

  function observe(element: Element): void {
    observer.unobserve(element);
    if (element.isConnected) observer.observe(element);
  }

  return {
    directive: {
      mounted(element: HTMLElement, { value }: { value: readonly number[] }): void {
        element.dataset["seen"] = value.join(",");
        observe(element);
      },
      /** An element that stands for a further item has to be looked at again. */
      updated(element: HTMLElement, { value }: { value: readonly number[] }): void {
        const ids = value.join(",");
        if (element.dataset["seen"] === ids) return;
        element.dataset["seen"] = ids;
        stopTimer(element);
        observe(element);
      },
      unmounted(element: HTMLElement): void {
        stopTimer(element);
        observer.unobserve(element);
      },
    },
    /** Reports what has been seen so far, and stops. */
    stop(): void {
      observer.disconnect();
      for (const timer of timers.values()) clearTimeout(timer);
      clearTimeout(reportTimer);
      if (seen.length > 0) flush();
    },
  };
}
