#!/usr/bin/env python3
"""Records what a version stores and asks of its database, for the tests of the next one.

Run it in a checkout of the version while its `make up` runs and after `make simulate`:
record_version.py DATABASE_URL PG_DUMP FOLDER
"""

import json
import subprocess
import sys
from pathlib import Path

# Random keys, and what Postgres 16 does not know.
LEFT_OUT = ("\\restrict", "\\unrestrict", "SET transaction_timeout")


def main():
    url, pg_dump, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    dump = subprocess.run([pg_dump, "--no-owner", "--no-privileges", url], check=True, stdout=subprocess.PIPE, text=True).stdout
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dump.sql").write_text("".join(line for line in dump.splitlines(True) if not line.startswith(LEFT_OUT)))
    queries = sorted(json.loads(file.read_text())["query"] for file in Path(".sqlx").glob("*.json"))
    (folder / "queries.json").write_text(json.dumps(queries, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(queries)} queries")


if __name__ == "__main__":
    main()
