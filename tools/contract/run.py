#!/usr/bin/env python3
"""Holds what the API does against what its document says, by schemathesis, at the front door of a stack:

    target/debug/stack with python3 tools/contract/run.py

Asks as an admin by session, then by a token for whatever the document lets a token do. Other arguments go to schemathesis.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOME = ROOT / ".runtime" / "contract"
DOCUMENT = ROOT / "frontend" / "openapi.json"
BASE = os.environ["BASE_URL"]


def install():
    """Brings the tool into `.runtime`, where it stays until other versions are wanted."""
    wanted, installed = HERE / "requirements.txt", HOME / "requirements.txt"
    if installed.exists() and installed.read_bytes() == wanted.read_bytes():
        return
    installed.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", HOME / "venv"], check=True)
    pip = [HOME / "venv/bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--only-binary", ":all:", "--requirement", wanted], check=True)
    subprocess.run([*pip, "check"], check=True)
    # The last thing done, so that a broken installation is never taken for a whole one.
    shutil.copyfile(wanted, installed)


def ask(method, path, body=None, **headers):
    """The answer's JSON and headers, to a request as the dashboard or a program makes it."""
    headers |= {"content-type": "application/json", "x-requested-with": "fetch"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(BASE + path, data, headers, method=method)) as answer:
        return json.load(answer), answer.headers


def sign_in():
    """The session's cookie."""
    _, headers = ask("POST", "/api/session", {"email": os.environ["ADMIN_EMAIL"], "password": os.environ["ADMIN_PASSWORD"]})
    return headers["set-cookie"].split(";")[0]


def something_to_find(cookie):
    """Has an event and something in quarantine; gives the event's id."""
    opened = {"event": "open", "_id": "contract", "ts": 1767225600, "msg": {"_id": "contract", "email": "ada@example.com"}}
    ask("POST", "/webhook/", {"mandrill_events": [opened, "no event"]}, cookie=cookie)
    listed, _ = ask("GET", "/api/events", cookie=cookie)
    return str(listed["items"][0]["id"])


def token_operations():
    """The operations that the document lets a token do."""
    document = json.loads(DOCUMENT.read_text())
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    ways = lambda operation: operation.get("security", document["security"])
    return [one["operationId"] for one in operations if any("token" in way for way in ways(one))]


def run(name, auth, environment, *arguments):
    """True when everything was as the document says."""
    print(f"\n== by {name}", flush=True)
    settings = HOME / f"{name}.toml"
    settings.write_text((HERE / "schemathesis.toml").read_text() + auth)
    command = [HOME / "venv/bin/schemathesis", "--no-color", "--config-file", settings, "run", DOCUMENT, "--url", BASE]
    # What it notes down lies where it is installed.
    return subprocess.run([*command, *arguments, *sys.argv[1:]], cwd=HOME, env={**os.environ, **environment}).returncode == 0


def main():
    install()
    cookie = sign_in()
    event = something_to_find(cookie)
    auth = '\n[auth.openapi.session]\napi_key = "${SESSION}"\n\n[auth.openapi.csrf]\napi_key = "fetch"\n'
    good = run("session", auth, {"SESSION": cookie.split("=", 1)[1], "EVENT": event})

    # Made now, as the first run revokes tokens. Asking with it fails, and so does all of this, if the session was lost on the way:
    # a run that is refused everywhere finds nothing.
    made, _ = ask("POST", "/api/tokens", {"name": "contract", "scopes": ["read", "simulate"]}, cookie=cookie)
    auth = '\n[auth.openapi.token]\nbearer = "${TOKEN}"\n'
    only = [f"--include-operation-id={one}" for one in token_operations()]
    good &= run("token", auth, {"TOKEN": made["token"], "EVENT": event}, "--phases=coverage", *only)
    ask("GET", "/api/events", authorization=f"Bearer {made['token']}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
