#!/usr/bin/env python3
"""Everything that can fail, in one command. Ends with one line `N passed, N failed`.

Each step shows its output as it comes. Test runners' own counts are added up; any other step counts as one.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"

# What runners print when they close: cargo test, vitest, Playwright.
COUNTS = [
    (re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed"), ("passed", "failed")),
    (re.compile(r"^\s*Tests\s+(?:(\d+) failed \| )?(\d+) passed"), ("failed", "passed")),
    (re.compile(r"^\s+(\d+) passed \("), ("passed",)),
    (re.compile(r"^\s+(\d+) (?:failed|flaky|did not run|interrupted)$"), ("failed",)),
]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

total = {"passed": 0, "failed": 0}


def step(name, *command, cwd=ROOT, counted=False, env=None):
    """Runs one command. Of a counted one, the runner's figures count; else it is one check."""
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    found = {"passed": 0, "failed": 0}
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        plain = COLOURS.sub("", line)
        for pattern, names in COUNTS if counted else []:
            if match := pattern.match(plain):
                for key, number in zip(names, match.groups()):
                    found[key] += int(number or 0)
    ok = process.wait() == 0
    if not counted or (ok and not found["passed"]):
        # A runner that ran nothing proves nothing.
        found = {"passed": int(ok and not counted), "failed": int(not ok or counted)}
    elif not ok and not found["failed"]:
        found["failed"] = 1
    for key, number in found.items():
        total[key] += number
    print(f"-- {name}: {'ok' if ok else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
    return ok


def chromium():
    """The browser that tests drive: CHROMIUM, one on PATH, or Debian's, installed now. Never skipped."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        step("apt-get update", "apt-get", "update", "-qq", env=quiet)
        step("install Chromium", "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation", env=quiet)
        if path := shutil.which("chromium"):
            return path
    print("No Chromium was found. Install one (on Debian: apt-get install chromium) or name it in CHROMIUM=.")
    total["failed"] += 1
    return None


def main():
    step("format", "cargo", "fmt", "--check")
    step("lint", "cargo", "clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings")
    built = step("build", "cargo", "build", "--locked", "--workspace", "--quiet")
    step("documentation", "cargo", "doc", "--workspace", "--no-deps", "--quiet", env={"RUSTDOCFLAGS": "-D warnings"})
    if (FRONTEND / "package.json").exists():
        step("frontend: install", "npm", "ci", "--no-audit", "--no-fund", cwd=FRONTEND)
        step("frontend: check", "npm", "run", "check", cwd=FRONTEND)
        built &= step("frontend: build", "npm", "run", "build", cwd=FRONTEND)
        step("frontend: weight", "npm", "run", "weight", cwd=FRONTEND)
        step("frontend: unit tests", "npm", "run", "test", cwd=FRONTEND, counted=True)
    if built:
        step("queries are checked", "target/debug/stack", "sqlx")
        step("queries are committed", "git", "diff", "--exit-code", "--stat", "--", ".sqlx")
        step("tests", "cargo", "test", "--workspace", "--quiet", "--no-fail-fast", counted=True, env={"FUZZ_SECONDS": "60"})
        step("contract", "target/debug/stack", "with", sys.executable, "tools/contract/run.py")
        if (FRONTEND / "e2e").is_dir() and (browser := chromium()):
            command = ["target/debug/stack", "with", "npm", "--prefix", "frontend", "run", "e2e"]
            step("browser tests", *command, counted=True, env={"CHROMIUM": browser})
    print(f"\n{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
