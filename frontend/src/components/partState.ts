import type { IconName } from "./AppIcon.vue";
import type { Tone } from "./tones";

/** The state of a part of the product, as `StateLine.vue` shows it. */
export interface PartState {
  readonly tone: Tone;
  readonly icon: IconName;
  /** One sentence. */
  readonly text: string;
  /** The next thing to do; empty if nothing is. */
  readonly next: string;
}
