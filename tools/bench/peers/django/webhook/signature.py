"""Verifies Mandrill's signature."""

import base64
import hmac

from django.conf import settings


def is_genuine(value, signature):
    """Returns whether `signature` matches a form whose only field is `mandrill_events` with these bytes."""
    message = settings.WEBHOOK_URL + b"mandrill_events" + value
    expected = base64.b64encode(hmac.digest(settings.WEBHOOK_KEY, message, "sha1"))
    # The header can contain any text, and compare_digest rejects non-ASCII strings, so compare bytes instead.
    return hmac.compare_digest(expected, signature.encode())
