"""One element of a batch as the columns of a row."""

import hashlib
from datetime import UTC, datetime


def columns(element):
    """The columns of a message event but for the payload; None for anything else, which is not stored."""
    if not isinstance(element, dict) or not (kind := text(element.get("event"))):
        return None
    # Mandrill writes `[]` for an empty object, leaves fields out, and sets them to null.
    msg = mapping(element.get("msg"))
    location = mapping(element.get("location"))
    ts = int(element["ts"])
    message_id = text(element.get("_id")) or text(msg.get("_id"))
    url, ip, user_agent = (text(element.get(name)) for name in ("url", "ip", "user_agent"))
    tags = msg.get("tags")
    return {
        "digest": digest(kind, message_id, str(ts), url, ip, user_agent),
        "occurred_at": datetime.fromtimestamp(ts, UTC),
        "kind": kind,
        "message_id": message_id,
        "recipient": text(msg.get("email")),
        "sender": text(msg.get("sender")),
        "subject": text(msg.get("subject")),
        "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        "metadata": mapping(msg.get("metadata")) or None,
        "template": text(msg.get("template")),
        "subaccount": text(msg.get("subaccount")),
        "url": url,
        "ip": ip,
        "user_agent": user_agent,
        "country": text(location.get("country")),
        "city": text(location.get("city")),
        "diagnostic": text(msg.get("diag")) or text(element.get("diag")) or text(msg.get("bounce_description")),
    }


def digest(*identity):
    """Identifies an event over deliveries. `msg` has no part in it: it is a snapshot that differs between them."""
    return hashlib.sha256("\0".join(part or "" for part in identity).encode()).digest()[:16]


def text(value):
    return value if isinstance(value, str) else None


def mapping(value):
    return value if isinstance(value, dict) else {}
