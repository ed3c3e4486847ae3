#!/usr/bin/env python3
"""Runs all checks and tests, or only the fast checks with the argument `check`. The last line is `N passed, N failed`.

Each step prints its output as it runs. The totals include the counts reported by test runners; every other step counts as one check.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pinned

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"

# Match the summary lines of cargo test, vitest and Playwright.
COUNTS = [
    (re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed"), ("passed", "failed")),
    (re.compile(r"^\s*Tests\s+(?:(\d+) failed \| )?(\d+) passed"), ("failed", "passed")),
    (re.compile(r"^\s+(\d+) passed \("), ("passed",)),
    (re.compile(r"^\s+(\d+) (?:failed|flaky|did not run|interrupted)$"), ("failed",)),
]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

total = {"passed": 0, "failed": 0}


def step(name, *command, cwd=ROOT, counted=False, env=None):
    """Runs a command. With `counted`, adds the test runner's counts to the result; otherwise counts one check."""
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    counts = {"passed": 0, "failed": 0}
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
                    counts[key] += int(number or 0)
    ok = process.wait() == 0
    if not counted or (ok and not counts["passed"]):
        # A test runner that ran no tests counts as a failure.
        counts = {"passed": int(ok and not counted), "failed": int(not ok or counted)}
    elif not ok and not counts["failed"]:
        counts["failed"] = 1
    for key, number in counts.items():
        total[key] += number
    print(f"-- {name}: {'ok' if ok else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    return ok


def chromium():
    """Finds a browser for the tests: CHROMIUM, one on PATH, or Debian's, which this installs. Fails if there is none."""
    from_env = os.environ.get("CHROMIUM")
    if from_env:
        return from_env
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        noninteractive = {"DEBIAN_FRONTEND": "noninteractive"}
        step("apt-get update", "apt-get", "update", "-qq", env=noninteractive)
        step("install Chromium", "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation", env=noninteractive)
        if path := shutil.which("chromium"):
            return path
    print("Chromium was not found. Install it (on Debian: apt-get install chromium) or set CHROMIUM= to its path.")
    total["failed"] += 1
    return None


def debian_servers():
    """Returns whether the servers of Debian that some tests need are there. Installs them in CI, where no service starts by itself."""
    programs = ["/usr/bin/redis-server", "/usr/sbin/pgbouncer", "/usr/sbin/nginx", "/usr/lib/postgresql/15/bin/postgres"]
    missing = [program for program in programs if not Path(program).is_file()]
    if missing and os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get"):
        noninteractive = {"DEBIAN_FRONTEND": "noninteractive"}
        step("apt-get update", "apt-get", "update", "-qq", env=noninteractive)
        packages = ["redis-server", "pgbouncer", "nginx", "postgresql-15"]
        step("install servers", "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=noninteractive)
        missing = [program for program in programs if not Path(program).is_file()]
    if not missing and os.geteuid() == 0:
        return True
    print("\nThe tests of Debian's Redis, Postgres, PgBouncer and nginx are not run: they need root and", *(missing or programs))
    return False


def target_directory():
    """Returns where cargo puts programs: CARGO_TARGET_DIR and cargo's configuration apply."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    metadata = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return Path(json.loads(metadata)["target_directory"])


def pinned_programs(name):
    """Installs the wheels of a file in `tools`, and returns the directory with their programs. If that fails, counts it and returns None."""
    try:
        return pinned.install(ROOT / ".runtime" / name, ROOT / "tools" / f"{name}.txt")
    except subprocess.CalledProcessError as error:
        print(f"{name} could not be installed: {error}")
        total["failed"] += 1
        return None


def pinned_checker(name, program, *arguments):
    """Runs a checker that is installed from a wheel."""
    if programs := pinned_programs(program):
        step(name, programs / program, *arguments)


def check():
    """Runs the checks that need neither a server nor a browser."""
    step("format", "cargo", "fmt", "--check")
    step("lint", "cargo", "clippy", "--locked", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings")
    pinned_checker("spelling", "typos", "--format", "brief")
    pinned_checker("migrations", "squawk", *sorted(path.relative_to(ROOT) for path in (ROOT / "migrations").glob("*.sql")))
    step("no merge conflict is committed", "sh", "-c", "! git grep -nE '^(<{7}|>{7}) '")
    step("the planted migration still applies", "git", "apply", "--check", "tools/rehearsal/planted.patch")
    step("frontend: check", "npm", "run", "check", cwd=FRONTEND)


def test():
    """Runs everything."""
    step("frontend: install", "npm", "ci", "--no-audit", "--no-fund", cwd=FRONTEND)
    check()
    built = step("build", "cargo", "build", "--locked", "--workspace", "--quiet")
    step("documentation", "cargo", "doc", "--locked", "--workspace", "--no-deps", "--quiet", env={"RUSTDOCFLAGS": "-D warnings"})
    built &= step("frontend: build", "npm", "run", "build", cwd=FRONTEND)
    step("frontend: weight", "npm", "run", "weight", cwd=FRONTEND)
    step("frontend: unit tests", "npm", "run", "test", cwd=FRONTEND, counted=True)
    if not built:
        return
    stack = target_directory() / "debug" / "stack"
    step("regenerate checked queries", stack, "sqlx")
    step("checked queries are committed", "git", "diff", "--exit-code", "--stat", "--", ".sqlx")
    step("tests", "cargo", "test", "--locked", "--workspace", "--quiet", "--no-fail-fast", counted=True, env={"FUZZ_SECONDS": "60"})
    if debian_servers():
        ignored = ["cargo", "test", "--locked", "--workspace", "--quiet", "--test", "front_door", "--", "--ignored", "installed_servers"]
        step("tests with Debian's servers", *ignored, counted=True)
    if programs := pinned_programs("archive"):
        ignored = ["cargo", "test", "--locked", "--workspace", "--quiet", "--test", "front_door", "--", "--ignored", "archive_storage"]
        step("tests with an S3 server", *ignored, counted=True, env={"ARCHIVE_TOOLS": str(programs)})
    step("contract", stack, "with", sys.executable, "tools/contract/run.py")
    if browser := chromium():
        step("component tests", "npm", "run", "components", cwd=FRONTEND, counted=True, env={"CHROMIUM": browser})
        command = [stack, "with", "npm", "--prefix", "frontend", "run", "e2e"]
        step("browser tests", *command, counted=True, env={"CHROMIUM": browser})


def main():
    started = time.monotonic()
    check() if sys.argv[1:] == ["check"] else test()
    print(f"\n{time.monotonic() - started:.0f} s")
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
