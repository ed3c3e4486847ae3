/** Positions a floating element below its anchor, or above if there is no room, and always inside the window. */

const GAP = 4;
const EDGE = 8;

export interface Position {
  readonly left: string;
  readonly top: string;
}

export function positionNear(anchor: HTMLElement, floating: HTMLElement): Position {
  const [box, size] = [anchor.getBoundingClientRect(), floating.getBoundingClientRect()];
  const fitsBelow = box.bottom + GAP + size.height <= innerHeight;
  const top = fitsBelow ? box.bottom + GAP : box.top - GAP - size.height;
  const left = Math.min(box.left, document.documentElement.clientWidth - size.width - EDGE);
  return { left: `${Math.max(EDGE, left)}px`, top: `${Math.max(EDGE, top)}px` };
}
