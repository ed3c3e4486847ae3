"""Converts a batch element to the columns of a row."""

import hashlib
from datetime import UTC, datetime


def columns(element):
    """Returns the columns for a message event, except the payload, or None for other elements, which are not stored."""
    if not isinstance(element, dict) or not (kind := text(element.get("event"))):
        return None
    # Mandrill writes `[]` for an empty object, omits fields, and sets fields to null.
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
    """Returns a digest that identifies an event across deliveries. Excludes `msg`, a snapshot that differs between deliveries."""
    return hashlib.sha256("\0".join(part or "" for part in identity).encode()).digest()[:16]


def text(value):
    return value if isinstance(value, str) else None


def mapping(value):
    return value if isinstance(value, dict) else {}
