"""Routes the webhook to the view for the selected mode."""

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.urls import path

if settings.TUNED:
    from webhook.tuned import WebhookView
else:
    from webhook.plain import WebhookView


def healthz(request):
    """Succeeds only if the database responds."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("healthz", healthz),
    path("webhook/", WebhookView.as_view()),
]
