"""The HTTP server: HTTP/1.1 and WebSockets on the process's own event loop, for any ASGI app.

    bytes ─► connection ─► heads, bodies ─► cycle or websocket ─► app
                 └─► at_once: a response that is ready, without any of the rest

`server` holds the connections and their caps, `connection` is one of them, `cycle` one request and
`websocket` one WebSocket as the application sees them. `heads`, `bodies`, `frames` and `handshake`
are pure: what bytes mean, by the letter of the RFCs; `scopes` makes of them what the
application gets. `limits` has every bound with its reason.

It knows nothing of what is served. `docs/http.md` says what it accepts, refuses and bounds.
"""
