"""A simulation that checks that no seat is sold twice: the real rules and writer, with faults.

`chance` makes every random choice, `loop` runs asyncio in virtual time, `database` and `store`
simulate a PostgreSQL that loses answers, `process` a process that crashes. `clients` compete for
seats with the commands of `wishes`, `chaos` causes faults from outside, `referee` checks what must
be true, and `run` puts everything together. A run is a pure function of its seed.
"""
