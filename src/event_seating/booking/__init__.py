"""Holds and bookings of the seats of an event.

Six rooms, each of which imports only those that stand before it: `core` (the rules and the state of
an event's seats, pure), `seating` (an event's map, prices, secrets and ids), `seat_log` (the
writer, the rows, and how they are stored), `reads` (what the API answers), `effects` (the jobs that
follow) and `api` (the routes and their service). `errors` is the lowest module.
"""
