"""The proof that no seat is sold twice: the real rule book and writer in a world that fails.

`chance` is where every choice comes from, `loop` runs asyncio in virtual time, `database` and
`store` are a PostgreSQL that loses answers, `process` is a process that crashes, `clients` fight
for seats, `referee` says what must be true, and `run` puts them together. A run is a pure function
of its seed.
"""
