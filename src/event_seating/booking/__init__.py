"""Holds and bookings of the seats of an event.

The pure rooms, which take the time as an argument and touch nothing outside: `index` (the seats of
a map, numbered), `arrays` (who has which seat), `best` and `orphans` (masks of rows), `records`,
`requests`, `refusals`, `entries` (what is kept, asked, refused and written), `expiries` and
`ids_by_time` (what runs out first, and what is forgotten first), `ledger` (all that is known, with
its undo log), `operations` (what entries do to it), `choices` and `decisions` (the rules), `image`
(all of it as bytes), `invariants` (what must be true of it), `model` (the one entry point).
"""
