/** Where something that floats goes: under what it belongs to, or over it where there is no room, and within the window. */

const GAP = 4;
const EDGE = 8;

export interface Place {
  readonly left: string;
  readonly top: string;
}

export function placeAt(anchor: HTMLElement, floating: HTMLElement): Place {
  const [box, own] = [anchor.getBoundingClientRect(), floating.getBoundingClientRect()];
  const fits = box.bottom + GAP + own.height <= innerHeight;
  const top = fits ? box.bottom + GAP : box.top - GAP - own.height;
  const left = Math.min(box.left, document.documentElement.clientWidth - own.width - EDGE);
  return { left: `${Math.max(EDGE, left)}px`, top: `${Math.max(EDGE, top)}px` };
}
