/** Values of conditions as users read them. */

import { fieldOfParameter } from "./fields";
import { labelOf } from "./vocabulary";

/** How much of an id is shown. */
const ID_CHARACTERS = 7;

/** Whether a value stands for a recipient whose address is masked. */
function isRecipientId(value: string): boolean {
  return /^~[\w-]{20,}$/.test(value);
}

/** The labels of codes, and yes or no; any other value is shown as it is. */
export function displayValue(name: string, value: string): string {
  const type = fieldOfParameter(name)?.value;
  if (type === "kind" || type === "reason" || type === "actor") {
    return value
      .split(",")
      .map((code) => labelOf(type, code))
      .join(", ");
  }
  if (isRecipientId(value)) return `${value.slice(0, ID_CHARACTERS)}…`;
  if (type === "yesNo") return value === "true" ? "yes" : "no";
  return value;
}
