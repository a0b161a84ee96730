"""Small seat maps in both formats, as JSON has them."""

from typing import Any

import msgspec


def seat(number: int, **fields: Any) -> dict[str, Any]:
    base = {"id": f"A-1-{number:02d}", "col": number, "x": 10 * number, "y": 50, "priceTier": 1}
    return base | {"status": "available"} | fields


def seat_map(**fields: Any) -> dict[str, Any]:
    """One section with one row of four seats, in the first format."""
    return {
        "venueId": "club",
        "name": "Club",
        "map": {"width": 400, "height": 300},
        "priceTiers": {"1": {"price": 45, "label": "Economy"}},
        "sections": [
            {
                "id": "A",
                "label": "Stalls",
                "transform": {"x": 0, "y": 0, "scale": 1},
                "rows": [{"index": 1, "seats": [seat(n) for n in range(1, 5)]}],
            }
        ],
    } | fields


def area(**fields: Any) -> dict[str, Any]:
    place = {"x": 100, "y": 100, "width": 80, "height": 40}
    return {"id": "FLOOR", "label": "Floor", "capacity": 300, "priceTier": 1} | place | fields


def plan(**fields: Any) -> dict[str, Any]:
    """Two zones of the same name, in the seating-plan format."""

    def zone(number: int) -> dict[str, Any]:
        seats = [
            {
                "seat_guid": f"z{number}-{n}",
                "seat_number": str(n),
                "position": {"x": 10 * n, "y": 1},
                "category": "Balcony" if number else "Stalls",
            }
            for n in range(1, 4)
        ]
        return {
            "name": "Ground floor",
            "uuid": f"uuid-{number}",
            "position": {"x": 100 * number, "y": 20},
            "rows": [{"row_number": "AA", "position": {"x": 5, "y": 300}, "seats": seats}],
            "areas": [],
        }

    return {
        "name": "Theatre",
        "size": {"width": 800, "height": 600},
        "categories": [{"name": "Stalls", "color": "red"}, {"name": "Balcony", "color": "blue"}],
        "zones": [zone(0), zone(1)],
    } | fields


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)
