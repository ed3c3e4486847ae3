"""Whether Mandrill sent it."""

import base64
import hmac

from django.conf import settings


def is_genuine(value, signature):
    """True when `signature` is that of a form whose only field is `mandrill_events` with these bytes."""
    message = settings.WEBHOOK_URL + b"mandrill_events" + value
    expected = base64.b64encode(hmac.digest(settings.WEBHOOK_KEY, message, "sha1"))
    # Bytes, since compare_digest refuses text that is not ASCII, and the header may hold anything.
    return hmac.compare_digest(expected, signature.encode())
