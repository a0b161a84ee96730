"""Bodies that the OpenAPI document shows, each under what it does; the tests send every one.

They fit the club of the examples in `docs/api.md`. Tokens and ids in them are placeholders.
"""

from typing import Any, Final

Examples = dict[str, dict[str, Any]]

EVENT_ID: Final = "jorob9pasc9b"
HOLD_TOKEN: Final = "jorob9pasc9bWFBScqShPrw4ZVIj-540pAZtzchgotMfjE0FLsxnUduA"  # noqa: S105

HOLD: Final[Examples] = {
    "Seats by name, one of them for a child, and two standing places": {
        "seats": ["A1", "A2"],
        "areas": {"FLOOR": 2},
        "ticketTypes": {"A2": "child"},
    },
    "The best seats next to each other": {"best": {"quantity": 2}},
    "The best seats for a family, in a price range": {
        "best": {"quantity": {"adult": 2, "child": 1}, "sections": ["A"], "maxPrice": "50.00"}
    },
    "Standing places by ticket type": {"areas": {"FLOOR": {"adult": 1, "child": 2}}},
}

CHANGE_HOLD: Final[Examples] = {
    "Another seat in place of one": {"add": {"seats": ["A4"]}, "remove": {"seats": ["A1"]}},
    "Another seat, for a child": {"add": {"seats": ["A4"]}, "ticketTypes": {"A4": "child"}},
}

BOOK: Final[Examples] = {
    "A hold": {
        "holdToken": HOLD_TOKEN,
        "userId": "1",
        "orderRef": "R-1",
        "metadata": {"channel": "web"},
        "expectedTotal": "110.00",
    },
    "Seats straight, from the box office": {
        "eventId": EVENT_ID,
        "seats": ["A3"],
        "from": ["available", "blocked"],
    },
}

CANCEL: Final[Examples] = {
    "All of it": {"reason": "ill"},
    "A seat of it": {"seats": ["A2"]},
}

CHANGE_BOOKING: Final[Examples] = {
    "A seat for another": {"release": {"seats": ["A2"]}, "take": {"seats": ["A4"]}},
    "One place more, for a child": {"take": {"areas": {"FLOOR": {"child": 1}}}},
}

RELEASE_HOLDS: Final[Examples] = {
    "Of an address": {"address": "203.0.113.9"},
    "Of the buyer whom a shop calls so": {"buyerRef": "R-1"},
}

BLOCK: Final[Examples] = {
    "A row and some places": {
        "rows": [{"section": "A", "index": 1}],
        "areas": {"FLOOR": 10},
        "reason": "cameras",
    }
}

REPORT: Final[Examples] = {"Every line that was sold": {"eventId": EVENT_ID, "kind": "sales"}}
