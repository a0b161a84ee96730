"""Live updates: what happens to an event's seats, sent to its watchers as it happens.

`hub` knows which events are watched and is the writer's listener; a `feed` is one watched event;
`recent` holds the last rows of its log; `broadcast` sends to all who watch it, each of whom is a
`subscriber`; `frames` are the messages.
`socket` and `routes` are the two ways to watch: WebSocket and long poll.
"""
