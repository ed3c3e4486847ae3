"""The webhook as a newcomer to Django REST Framework would write it: correct and short, with a few statements per event."""

import json

from rest_framework.parsers import FormParser
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import Event
from .reading import columns
from .signature import is_genuine


class WebhookView(APIView):
    parser_classes = [FormParser]

    def post(self, request):
        value = request.data.get("mandrill_events", "")
        if not is_genuine(value.encode(), request.headers.get("X-Mandrill-Signature", "")):
            return Response({"detail": "The signature is wrong."}, status=401)
        try:
            elements = json.loads(value)
        except ValueError:
            return Response({"detail": "mandrill_events is not JSON."}, status=400)

        stored = 0
        for element in elements:
            fields = columns(element)
            if fields is None:
                continue
            # Each event is committed separately. The digest makes it safe to retry a batch that failed halfway through.
            digest = fields.pop("digest")
            _, created = Event.objects.get_or_create(digest=digest, defaults={**fields, "payload": json.dumps(element)})
            stored += created
        return Response({"received": len(elements), "stored": stored})
