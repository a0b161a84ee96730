"""What an event's seats do, told to everybody who watches, as it happens.

`hub` knows which events are watched and is the writer's listener; a `feed` is one of them; `recent`
is what it remembers of the log; a `subscriber` is one who watches; `frames` is what they are told.
`socket` and `routes` are the two ways to watch: WebSocket and long poll.
"""
