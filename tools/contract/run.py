#!/usr/bin/env python3
"""Tests the API of a running stack against its OpenAPI document with schemathesis:

    target/debug/stack with python3 tools/contract/run.py

Runs all operations with an admin's session, then the operations that the document allows for tokens with a token. Any
arguments are passed on to schemathesis.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import pinned  # noqa: E402
ROOT = HERE.parent.parent
HOME = ROOT / ".runtime" / "contract"
DOCUMENT = ROOT / "frontend" / "openapi.json"
BASE = os.environ["BASE_URL"]


def call_api(method, path, body=None, **headers):
    """Sends a request and returns the response's JSON and headers."""
    headers |= {"content-type": "application/json", "x-requested-with": "fetch"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(BASE + path, data, headers, method=method)) as response:
        return json.load(response), response.headers


def sign_in():
    """Signs in as the admin and returns the session cookie."""
    _, headers = call_api("POST", "/api/session", {"email": os.environ["ADMIN_EMAIL"], "password": os.environ["ADMIN_PASSWORD"]})
    return headers["set-cookie"].split(";")[0]


def create_event(cookie):
    """Creates an event and a quarantined element and returns the event's id."""
    opened = {"event": "open", "_id": "contract", "ts": 1767225600, "msg": {"_id": "contract", "email": "ada@example.com"}}
    call_api("POST", "/webhook/", {"mandrill_events": [opened, "no event"]}, cookie=cookie)
    listed, _ = call_api("GET", "/api/events", cookie=cookie)
    return str(listed["items"][0]["id"])


def token_operations():
    """Returns the ids of the operations that tokens may use according to the document."""
    document = json.loads(DOCUMENT.read_text())
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    schemes = lambda operation: operation.get("security", document["security"])
    return [operation["operationId"] for operation in operations if any("token" in scheme for scheme in schemes(operation))]


def run(programs, name, auth, environment, *arguments):
    """Runs schemathesis. Returns whether the API conforms to the document."""
    print(f"\n== with {name}", flush=True)
    settings = HOME / f"{name}.toml"
    settings.write_text((HERE / "schemathesis.toml").read_text() + auth)
    command = [programs / "schemathesis", "--no-color", "--config-file", settings, "run", DOCUMENT, "--url", BASE]
    # schemathesis writes its files to the current directory.
    return subprocess.run([*command, *arguments, *sys.argv[1:]], cwd=HOME, env={**os.environ, **environment}).returncode == 0


def main():
    programs = pinned.install(HOME, HERE / "requirements.txt")
    cookie = sign_in()
    event = create_event(cookie)
    auth = '\n[auth.openapi.session]\napi_key = "${SESSION}"\n\n[auth.openapi.csrf]\napi_key = "fetch"\n'
    passed = run(programs, "session", auth, {"SESSION": cookie.split("=", 1)[1], "EVENT": event})

    # The token is created only now, because the first run revokes tokens. This also checks that the session and the token still
    # work: a run in which every request is rejected would find no errors.
    created, _ = call_api("POST", "/api/tokens", {"name": "contract", "scopes": ["read", "simulate"]}, cookie=cookie)
    auth = '\n[auth.openapi.token]\nbearer = "${TOKEN}"\n'
    included = [f"--include-operation-id={operation}" for operation in token_operations()]
    passed &= run(programs, "token", auth, {"TOKEN": created["token"], "EVENT": event}, "--phases=coverage", *included)
    call_api("GET", "/api/events", authorization=f"Bearer {created['token']}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
