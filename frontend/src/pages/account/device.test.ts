import { expect, test } from "vitest";
import { deviceOf } from "./device";

test("browsers are recognized by their own name, not by those they claim compatibility with", () => {
  const table: readonly (readonly [string | null, string])[] = [
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
      "Edge on Windows",
    ],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Linux"],
    ["Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari on iOS"],
    ["curl/8.0", "curl"],
    ["", "Unknown"],
    [null, "Unknown"],
  ];
  for (const [agent, device] of table) expect(deviceOf(agent), `${agent}`).toBe(device);
});
