"""The rules of seating once more, as a dictionary and a few loops, to hold the real ones against.

Written from the description of the rules alone, as plainly as can be: every question is answered
by looking at every seat. It grants or refuses and says what every seat is afterwards.
"""

from tests.unit.booking.naive_seats import HOUR, MINUTE, NaiveSeats

from event_seating.booking.core.commands import Best, CancelBooking, Choice, Part, ReleaseHold


class Naive(NaiveSeats):
    """One event; each request is a method of its name, which returns why not, or `None`."""

    # Requests: `None` when granted, else (code, …)

    def decide(self, request, now):
        sale = self.state["configuration"]
        over = sale is not None and sale.status == "cancelled"
        giving_back = ("ReleaseHold", "ReleaseHolds", "CancelBooking", "WindUp")
        if over and type(request).__name__ not in giving_back:
            booked = type(request).__name__ == "BookHold" and self.hold_problem(request.hold, now)
            return booked if booked and booked[0] == "hold_booked" else ("event_cancelled",)
        return getattr(self, type(request).__name__)(request, now)

    def Configure(self, request, now):  # noqa: N802
        self.state["configuration"] = request.configuration

    def PlaceHold(self, request, now):  # noqa: N802
        if not self.selling(now):
            return ("not_on_sale",)
        count = request.choice.count
        who = (request.buyer, request.address, request.network)
        problem = self.too_many(who, count, count, request.box_office)
        if problem:
            return problem
        rules = self.state["configuration"].rules
        hidden = self.hidden_from(who, request.known_since_ms, now)
        if isinstance(request.choice, Best):
            lines = self.best(request.choice, not rules.allow_orphans, request.box_office, hidden)
        else:
            lines = self.choose(request.choice, request.box_office, hidden=hidden)
        if isinstance(lines, tuple):
            return lines
        picked = isinstance(request.choice, Choice)
        strict = picked and not rules.allow_orphans and not request.box_office
        if strict and self.strands(lines, hidden=hidden):
            return ("orphan_seat", hidden)
        hold = self.state["holds"][request.hold] = {
            "lines": lines,
            "created": now,
            "expires": now + rules.hold_ttl_ms,
            "who": who,
            "since": {},
            "handed_on": {},
            "revision": 1,
            "frozen": None,
            "freezes": 0,
        }
        self.pick_up(hold, lines, now)
        self.give(lines, "held", request.hold)
        return None

    def ChangeHold(self, request, now):  # noqa: N802, PLR0911
        problem = self.hold_problem(request.hold, now) or self.frozen_problem(request)
        if problem:
            return problem
        hold = self.state["holds"][request.hold]
        removed = self.part(hold["lines"], request.remove, "not_in_hold")
        if isinstance(removed, tuple):
            return removed
        own_cookie = request.buyer == hold["who"][0]
        known_since = request.known_since_ms if own_cookie else None
        hidden = self.hidden_from(hold["who"], known_since, now)
        left = {seat: line for seat, line in hold["lines"].items() if seat not in removed}
        added = {}
        if request.add is None:
            if not left:
                return ("nothing_left",)
        else:
            if not self.selling(now):
                return ("not_on_sale",)
            more = request.add.count - len(removed)
            in_hold = len(left) + request.add.count
            problem = self.too_many(hold["who"], in_hold, more, request.box_office)
            if problem:
                return problem
            added = self.choose(request.add, request.box_office, freed=removed, hidden=hidden)
            if isinstance(added, tuple):
                return added
        lines = {**left, **added}
        strict = not self.state["configuration"].rules.allow_orphans and not request.box_office
        if strict and self.strands(lines, own=list(hold["lines"]), hidden=hidden):
            return ("orphan_seat", hidden)
        self.set_down(hold, removed, now)
        self.pick_up(hold, added, now)
        self.give(removed, "available", None)
        self.give(lines, "held", request.hold)
        hold["lines"] = lines
        hold["revision"] += 1
        return None

    def ExtendHold(self, request, now):  # noqa: N802
        problem = self.hold_problem(request.hold, now) or self.frozen_problem(request)
        if problem:
            return problem
        hold = self.state["holds"][request.hold]
        rules = self.state["configuration"].rules
        longest = 24 * HOUR if request.box_office else rules.hold_total_max_ms
        until = min(now + rules.hold_ttl_ms, hold["created"] + longest)
        if until <= hold["expires"]:
            return ("nothing_gained",)
        hold["expires"] = until
        return None

    def FreezeHold(self, request, now):  # noqa: N802
        problem = self.hold_problem(request.hold, now) or self.frozen_problem(request)
        if problem:
            return problem
        hold = self.state["holds"][request.hold]
        if not request.box_office and hold["freezes"] == 1:
            return ("freeze_used",)
        rules = self.state["configuration"].rules
        longest = 24 * HOUR if request.box_office else rules.hold_total_max_ms
        before = hold["before"] if hold["frozen"] else hold["expires"]
        until = min(max(now, before) + rules.checkout_ttl_ms, hold["created"] + longest)
        if hold["frozen"] != "staff":
            hold["revision"] += 1
        hold["expires"], hold["before"] = max(until, hold["expires"]), before
        hold["frozen"] = "staff" if request.box_office else "buyer"
        hold["freezes"] += not request.box_office
        return None

    def ThawHold(self, request, now):  # noqa: N802
        problem = self.hold_problem(request.hold, now)
        if problem:
            return problem
        hold = self.state["holds"][request.hold]
        if hold["frozen"] is None:
            return ("hold_not_frozen",)
        if hold["frozen"] == "staff" and not request.box_office:
            return ("hold_frozen",)
        hold["expires"] = min(hold["expires"], max(hold["before"], now + MINUTE))
        hold["frozen"] = None
        hold["revision"] += 1
        return None

    def ReleaseHold(self, request, now):  # noqa: N802
        problem = self.hold_problem(request.hold, now) or self.frozen_problem(request)
        if problem:
            return problem
        self.let_go(request.hold, now)
        return None

    def let_go(self, key, now, taken_away=False):
        hold = self.state["holds"].pop(key)
        self.give(hold["lines"], "available", None)
        self.set_down(hold, hold["lines"], now, taken_away)
        self.state["ended"][key] = ("hold_released", now, None)

    def ReleaseHolds(self, request, now):  # noqa: N802
        theirs = [
            key
            for key, hold in self.state["holds"].items()
            if request.holder in hold["who"] and hold["frozen"] != "staff"
        ]
        for key in theirs:
            self.let_go(key, now, taken_away=True)
        return None if theirs else ("hold_not_found", None)

    def BookHold(self, request, now):  # noqa: N802
        problem = self.hold_problem(request.hold, now)
        if problem:
            hold = self.state["late"].get(request.hold)
            if problem[0] != "hold_expired" or now >= hold["expires"] + self.grace_ms:
                return problem
            if not all(self.free(seat) for seat in hold["lines"]):
                return problem
        else:
            hold = self.state["holds"][request.hold]
        total = self.total(hold["lines"])
        if request.expected_total is None and request.expected_revision is None:
            if hold["revision"] > 1:
                return ("expectation_missing",)
        else:
            expected = (request.expected_total, request.expected_revision)
            present = (total, hold["revision"])
            if any(a not in {None, b} for a, b in zip(expected, present, strict=True)):
                return ("total_changed", *present)
        self.state["holds"].pop(request.hold, None)
        self.state["ended"].pop(request.hold, None)
        self.state["bookings"][request.booking] = {"lines": hold["lines"], "hold": request.hold}
        self.give(hold["lines"], "booked", request.booking)
        return None

    def BookSeats(self, request, now):  # noqa: N802
        statuses = ["available"] * request.from_available + ["blocked"] * request.from_blocked
        lines = self.choose(request.choice, True, statuses=statuses)
        if isinstance(lines, tuple):
            return lines
        if request.expected_total not in {None, self.total(lines)}:
            return ("total_changed", self.total(lines), None)
        self.state["bookings"][request.booking] = {"lines": lines, "hold": None}
        self.give(lines, "booked", request.booking)
        return None

    def CancelBooking(self, request, now):  # noqa: N802
        problem = self.booking_problem(request.booking, now)
        if problem:
            return problem
        booking = self.state["bookings"][request.booking]
        gone = list(booking["lines"])
        if request.part is not None:
            gone = self.part(booking["lines"], request.part, "not_in_booking")
            if isinstance(gone, tuple):
                return gone
        for seat in gone:
            del booking["lines"][seat]
        self.give(gone, "available", None)
        if not booking["lines"]:
            del self.state["bookings"][request.booking]
            self.state["ended"][request.booking] = ("already_cancelled", now, None)
            if booking["hold"] is not None:
                self.state["ended"][booking["hold"]] = ("hold_booked", now, request.booking)
        return None

    def WindUp(self, request, now):  # noqa: N802
        if self.state["configuration"].status != "cancelled":
            return ("booking_not_found",)
        holds = list(self.state["holds"])[: request.most]
        for key in holds:
            self.ReleaseHold(ReleaseHold(key), now)
        bookings = [] if holds else list(self.state["bookings"])[: request.most]
        for key in bookings:
            self.CancelBooking(CancelBooking(key), now)
        return None if holds or bookings else ("booking_not_found",)

    def ExchangeSeats(self, request, now):  # noqa: N802
        problem = self.booking_problem(request.booking, now)
        if problem:
            return problem
        booking = self.state["bookings"][request.booking]
        released = self.part(booking["lines"], request.release, "not_in_booking")
        if isinstance(released, tuple):
            return released
        taken = {}
        if request.take is not None:
            taken = self.choose(request.take, request.box_office, freed=released)
        if isinstance(taken, tuple):
            return taken
        if not taken and len(released) == len(booking["lines"]):
            return ("nothing_left",)
        for seat in released:
            del booking["lines"][seat]
        booking["lines"].update(taken)
        self.give(released, "available", None)
        self.give(taken, "booked", request.booking)
        return None

    def move_blocked(self, part: Part, here, there):
        found = [
            seat
            for seat in part.seats
            if 0 <= seat < len(self.plan) and self.state["seats"][seat][0] == here
        ]
        for number, places in enumerate(self.areas):
            wanted = sum(one.quantity for one in part.areas if one.area == number)
            same = [place for place in places if self.state["seats"][place][0] == here]
            found += same[:wanted]
        if not found:
            return ("seats_unavailable",)
        self.give(found, there, None)
        return None

    def BlockSeats(self, request, now):  # noqa: N802
        return self.move_blocked(request.part, "available", "blocked")

    def UnblockSeats(self, request, now):  # noqa: N802
        return self.move_blocked(request.part, "blocked", "available")
