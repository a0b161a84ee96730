"""Golden bytes: whatever is stored or leaves the process, as it was written when it was recorded.

`data/` holds the records. Each is held against the code twice: what is made again from the same
words must be the same byte for byte, and what was recorded must still mean what it meant. So
modules may move and classes be renamed, but a table, a tag, a channel or a hash may not change
unseen. Where one shall change on purpose, `.venv/bin/python -m tests.golden.record` writes the
records again, and the difference of the files under `data/` is what a reviewer has to judge: most
of what is in there was promised to programs of others, or lies in somebody's database.
"""
