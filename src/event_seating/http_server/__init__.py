"""The HTTP server: bytes of connections in, ASGI applications called, bytes of their answers out.

It knows nothing of seats, nor of what any application does; it imports `values` and third parties
only.
"""
