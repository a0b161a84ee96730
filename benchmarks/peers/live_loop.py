"""The plain way to tell many of a change: a loop that encodes and sends to one after the other.

On the very server that the service runs on. It has no log, no database, no versions to come back
from, no merging and no queues: `POST` of a change sends it to everybody who is connected, one after
the other, and answers when it has. The port (`PORT`) comes from the environment; SIGTERM ends it.
"""

import asyncio
import json
import os
import signal
import socket
from typing import Any

import uvloop

from event_seating.http_server.asgi import Receive, Scope, Send
from event_seating.web.granian import GranianServer


class Loop:
    """Everybody who is connected, and how many changes there were."""

    def __init__(self) -> None:
        self.version = 0
        self.sends: set[Send] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._watch(receive, send)
        elif scope["method"] == "POST":
            await self._change(receive, send)
        else:
            await answer(send, {"watchers": len(self.sends)})

    async def _watch(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": json.dumps({"version": self.version})})
        self.sends.add(send)
        try:
            while (await receive())["type"] != "websocket.disconnect":
                continue
        finally:
            self.sends.discard(send)

    async def _change(self, receive: Receive, send: Send) -> None:
        seats = json.loads((await receive())["body"])["seats"]
        self.version += 1
        for watcher in list(self.sends):
            frame = {"version": self.version, "changes": dict.fromkeys(seats, "blocked")}
            await watcher({"type": "websocket.send", "text": json.dumps(frame)})
        await answer(send, {"version": self.version})


async def answer(send: Send, body: Any) -> None:
    encoded = json.dumps(body).encode()
    headers = [(b"content-length", b"%d" % len(encoded))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": encoded})


async def serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as listener:
        listener.setblocking(False)
        server = GranianServer(Loop(), listener)
        await server.start()
        await stop.wait()
        await server.stop(hang_up=True)


if __name__ == "__main__":
    uvloop.run(serve())
