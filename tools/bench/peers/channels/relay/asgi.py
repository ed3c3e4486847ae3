"""Django Channels. Every websocket joins a single group, and each posted message is sent to that group through Redis."""

import os

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

GROUP = "bench"

settings.configure(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    },
)
django.setup()


class Relay(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def relay(self, event):
        """Handles a message sent to the group."""
        await self.send(text_data=event["text"])


async def http(scope, receive, send):
    """Serves `GET /healthz` and `POST /publish` without the overhead of a Django view."""
    layer = get_channel_layer()
    match scope["method"], scope["path"]:
        case "GET", "/healthz":
            # No client joins this group; sending to it only checks that Redis is available.
            await layer.group_send("health", {"type": "health"})
            status = 200
        case "POST", "/publish":
            text = (await read_body(receive)).decode()
            await layer.group_send(GROUP, {"type": "relay", "text": text})
            status = 200
        case _:
            status = 404
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def read_body(receive):
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    return body


application = ProtocolTypeRouter({"http": http, "websocket": URLRouter([path("ws", Relay.as_asgi())])})
