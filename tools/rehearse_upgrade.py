#!/usr/bin/env python3
"""Rehearses an upgrade from an older version under load: builds that version, and this one with one more migration, and runs the test.

FROM=baseline or FROM=previous (the default), ROWS=1000000.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / ".runtime" / "versions"
# The commits of the releases.
RELEASES = {"baseline": "d03bf79", "previous": "bd271c7"}
PATCH = ROOT / "tools" / "rehearsal" / "planted.patch"


def build(name, commit, patch=None):
    """Builds both services of a commit, once. Returns the directory with the programs and `fill.sql`."""
    commit = subprocess.run(["git", "rev-parse", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    programs = VERSIONS / f"{name}-{commit[:12]}"
    if programs.exists():
        return programs
    print(f"building {name} ({commit[:12]})", flush=True)
    source = VERSIONS / "source" / name
    shutil.rmtree(source, ignore_errors=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(source, filter="data")
    if patch:
        subprocess.run(["patch", "--quiet", "-p1", "-i", patch], cwd=source, check=True)
    target = VERSIONS / "target"
    environment = {**os.environ, "SQLX_OFFLINE": "true", "CARGO_TARGET_DIR": str(target)}
    subprocess.run(["cargo", "build", "--locked", "-p", "ingest", "-p", "notifier"], cwd=source, env=environment, check=True)
    unfinished = programs.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for file in [target / "debug" / "ingest", target / "debug" / "notifier", source / "tools" / "bench" / "fill.sql"]:
        shutil.copy(file, unfinished)
    # This must be the last step, so that an incomplete build is never treated as complete.
    unfinished.rename(programs)
    return programs


def main():
    origin = os.environ.get("FROM") or "previous"
    old, planted = build(origin, RELEASES[origin]), build("planted", "HEAD", PATCH)
    environment = {**os.environ, "UPGRADE_FROM": str(old), "UPGRADE_PLANTED": str(planted)}
    if rows := os.environ.get("ROWS"):
        environment["UPGRADE_ROWS"] = rows
    test = ["cargo", "test", "--locked", "-p", "front-door", "--test", "front_door", "--", "--ignored", "--nocapture", "an_upgrade"]
    return subprocess.run(test, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
