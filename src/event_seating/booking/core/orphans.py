"""Single seats that a selection would leave free, by bit masks of one run.

An orphan is a free seat whose neighbours are both taken; the ends of a run (the end of the row, an
aisle) count as taken. It knows masks and nothing else: bit `i` is the seat `i` of a run.
"""


def lone(free: int) -> int:
    """The free seats without a free neighbour."""
    return free & ~(free << 1) & ~(free >> 1)


def orphans(free: int, chosen: int) -> int:
    """The seats that become orphans when `chosen` are taken out of `free`."""
    return lone(free & ~chosen) & ~lone(free)


def block_starts(free: int, quantity: int) -> int:
    """A bit for each place where a block of `quantity` free neighbours starts."""
    have = 1
    while have < quantity and free:
        step = min(have, quantity - have)
        free &= free >> step
        have += step
    return free


def clean_starts(starts: int, free: int, quantity: int) -> int:
    """Those of the `starts` whose block of `quantity` leaves no orphan of `free` beside it."""
    left = (free << 1) & ~(free << 2)
    right = (free >> quantity) & ~(free >> (quantity + 1))
    return starts & ~left & ~right


def nearest_start(starts: int, place: int) -> int:
    """The start that is nearest to `place`, the lower of two; `starts` is not empty."""
    below = starts & ((1 << (place + 1)) - 1)
    above = starts >> place
    if not above:
        return below.bit_length() - 1
    up = place + (above & -above).bit_length() - 1
    if not below:
        return up
    down = below.bit_length() - 1
    return down if place - down <= up - place else up
