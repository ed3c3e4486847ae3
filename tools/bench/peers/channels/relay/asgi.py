"""Django Channels over Redis: every websocket joins one group, and what is posted is sent to it."""

import os

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

GROUP = "bench"

settings.configure(
    ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    },
)
django.setup()


class Relay(AsyncWebsocketConsumer):
    """One websocket."""

    async def connect(self):
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def relay(self, event):
        await self.send(text_data=event["text"])


async def http(scope, receive, send):
    """`GET /healthz`, and `POST /publish` with the message as body."""
    if scope["method"] == "POST":
        body, more = b"", True
        while more:
            part = await receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        await get_channel_layer().group_send(GROUP, {"type": "relay", "text": body.decode()})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter([path("ws", Relay.as_asgi())])}
)
