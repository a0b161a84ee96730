"""A constant answer from the very server that the service runs on: the ceiling it can reach.

The same `GranianServer` on the same loop, with nothing behind it: no framework, no log, no limits.
It takes the port (`PORT`) and the answer (`BENCH_USER`) from the environment and ends with SIGTERM.
"""

import asyncio
import os
import signal
import socket

import uvloop

from event_seating.http_server.asgi import Message, Receive, Scope, Send
from event_seating.web.granian import GranianServer

BODY = os.environ.get("BENCH_USER", "{}").encode()
START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(BODY)),
    ],
}
ANSWER: Message = {"type": "http.response.body", "body": BODY}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send(START)
    await send(ANSWER)


async def serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as listener:
        listener.setblocking(False)
        server = GranianServer(app, listener)
        await server.start()
        await stop.wait()
        await server.stop(hang_up=True)


if __name__ == "__main__":
    uvloop.run(serve())
