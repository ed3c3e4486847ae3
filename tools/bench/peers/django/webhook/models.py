from django.contrib.postgres.fields import ArrayField
from django.db import models


class Event(models.Model):
    """A row of the table in schema.sql. `received_at` is not a field, because it is filled by the column's default."""

    id = models.BigAutoField(primary_key=True)
    digest = models.BinaryField(unique=True)
    occurred_at = models.DateTimeField()
    kind = models.TextField()
    message_id = models.TextField(null=True)
    recipient = models.TextField(null=True)
    sender = models.TextField(null=True)
    subject = models.TextField(null=True)
    tags = ArrayField(models.TextField())
    metadata = models.JSONField(null=True)
    template = models.TextField(null=True)
    subaccount = models.TextField(null=True)
    url = models.TextField(null=True)
    ip = models.TextField(null=True)
    user_agent = models.TextField(null=True)
    country = models.TextField(null=True)
    city = models.TextField(null=True)
    diagnostic = models.TextField(null=True)
    payload = models.TextField()

    class Meta:
        managed = False
        db_table = "events"
