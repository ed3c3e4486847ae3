"""One webhook, served by the view of the mode."""

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.urls import path

if settings.TUNED:
    from webhook.tuned import WebhookView
else:
    from webhook.plain import WebhookView


def healthz(request):
    """Answers once the database does, too."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("healthz", healthz),
    path("webhook/", WebhookView.as_view()),
]
