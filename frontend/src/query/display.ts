/** Values of conditions as users read them. */

import { fieldOfParameter } from "./fields";
import { labelOf } from "./vocabulary";

/** The labels of codes, and yes or no; any other value is shown as it is. */
export function displayValue(name: string, value: string): string {
  const type = fieldOfParameter(name)?.value;
  if (type === "kind" || type === "reason" || type === "actor") {
    return value
      .split(",")
      .map((code) => labelOf(type, code))
      .join(", ");
  }
  if (type === "yesNo") return value === "true" ? "yes" : "no";
  return value;
}
