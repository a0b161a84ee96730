"""The seats of an event as a dictionary, and what can be asked of them, by looking at every one."""

from copy import deepcopy
from itertools import pairwise
from math import hypot

MINUTE = 60_000
HOUR = 60 * MINUTE
LONG = 10 * MINUTE
COOL_DOWN = 2 * MINUTE


class NaiveSeats:
    """One event: `plan` has a dictionary a seat, `runs` the neighbours, `areas` their places."""

    def __init__(self, plan, runs, areas, *, area_category, focal, grace_ms):
        self.plan, self.runs, self.areas, self.area_category = plan, runs, areas, area_category
        self.grace_ms = grace_ms
        far = max(hypot(s["x"] - focal[0], s["y"] - focal[1]) for s in plan)
        self.distance = [
            round(hypot(s["x"] - focal[0], s["y"] - focal[1]) / far * 2**20) for s in plan
        ]
        size = len(plan) + sum(len(places) for places in areas)
        self.state = {
            "seats": dict.fromkeys(range(size), ("available", None)),
            "holds": {},
            "bookings": {},
            "ended": {},
            "late": {},
            "last": {},
            "configuration": None,
        }
        self.saved = None

    # Batches

    def begin(self, now):
        self.saved = deepcopy(self.state)
        for key, hold in list(self.state["holds"].items()):
            if hold["expires"] <= now:
                del self.state["holds"][key]
                self.state["ended"][key] = ("hold_expired", now, None)
                self.state["late"][key] = hold
                for seat in hold["lines"]:
                    self.state["seats"][seat] = ("available", None)
                self.set_down(hold, hold["lines"], now)

    def discard(self):
        self.state = self.saved

    # Looking

    def statuses(self):
        return [status for status, _ in self.state["seats"].values()]

    def free(self, seat):
        return self.state["seats"][seat][0] == "available"

    def category(self, seat):
        if seat < len(self.plan):
            return self.plan[seat]["category"]
        return next(
            category
            for places, category in zip(self.areas, self.area_category, strict=True)
            if seat in places
        )

    def price(self, seat, ticket_type, staff):
        if ticket_type not in self.types(staff):
            return None
        prices = self.state["configuration"].prices
        return prices.get(self.category(seat), {}).get(ticket_type)

    def types(self, staff):
        """The ticket types that somebody may take, in no order."""
        sale = self.state["configuration"]
        priced = {name for prices in sale.prices.values() for name in prices}
        if sale.ticket_types is None or staff:
            return priced
        return {
            name
            for name in priced
            if name in sale.ticket_types and sale.ticket_types[name].access == "public"
        }

    def default(self):
        """The ticket type of what names none; `None` when it has to."""
        sale, public = self.state["configuration"], self.types(staff=False)
        if sale.default_ticket_type is not None:
            return sale.default_ticket_type
        if len(public) == 1:
            return min(public)
        return "standard" if sale.ticket_types is None and "standard" in public else None

    def hold_problem(self, key, now):
        if key in self.state["holds"]:
            return None
        for booking, record in self.state["bookings"].items():
            if record["hold"] == key:
                return ("hold_booked", booking)
        why, at, booking = self.state["ended"].get(key, ("hold_not_found", now, None))
        if now >= at + 24 * HOUR or why == "already_cancelled":
            return ("hold_not_found", None)
        return (why, booking)

    def frozen_problem(self, request):
        frozen = self.state["holds"][request.hold]["frozen"]
        over = self.state["configuration"].status == "cancelled"
        return ("hold_frozen",) if frozen and not request.box_office and not over else None

    @staticmethod
    def total(lines):
        return sum(price for _, price in lines.values())

    def booking_problem(self, key, now):
        if key in self.state["bookings"]:
            return None
        why, at, _ = self.state["ended"].get(key, ("", 0, None))
        if why == "already_cancelled" and now < at + 24 * HOUR:
            return ("already_cancelled", None)
        return ("booking_not_found", None)

    def selling(self, now):
        sale = self.state["configuration"]
        if sale.status != "on_sale":
            return False
        if sale.sales_start_ms is not None and now < sale.sales_start_ms:
            return False
        return sale.sales_end_ms is None or now < sale.sales_end_ms

    def held_by(self, place, key):
        return sum(
            len(hold["lines"]) for hold in self.state["holds"].values() if hold["who"][place] == key
        )

    def too_many(self, who, in_hold, more, box_office):
        if more <= 0 or (who[0] is None and box_office):
            return None
        rules = self.state["configuration"].rules
        if in_hold > rules.max_seats_per_hold:
            return ("too_many_seats", rules.max_seats_per_hold, None)
        if who[0] is None:
            return None
        a_buyer = rules.max_held_seats_per_buyer
        an_address = rules.max_held_seats_per_address
        limits = {"buyer": a_buyer, "address": an_address, "network": 2 * an_address}
        for place, (name, limit) in enumerate(limits.items()):
            key = who[place]
            if key is not None and self.held_by(place, key) + more > limit:
                return ("too_many_held", limit, name)
        return None

    # Cooling down

    def set_down(self, hold, seats, now, taken_away=False):
        """What is remembered of seats that a hold no longer has."""
        ended = min(now, hold["expires"])
        for seat in seats:
            if hold["who"][0] is None or ended + COOL_DOWN <= now:
                continue
            held = ended - hold["since"][seat]
            if taken_away:
                held = max(held, LONG)
            old = self.state["last"].get(seat)
            cooling = old and old["held"] >= LONG and now < old["ended"] + COOL_DOWN
            if cooling and held < LONG:
                continue
            self.state["last"][seat] = {
                "held": held,
                "ended": ended,
                "who": hold["who"],
                "handed_on": hold["handed_on"][seat],
            }

    def pick_up(self, hold, seats, now):
        """When seats count as held since, that a hold has from now on."""
        for seat in seats:
            hold["since"][seat], hold["handed_on"][seat] = now, False
            old = self.state["last"].get(seat)
            if hold["who"][0] is None or not old or now >= old["ended"] + COOL_DOWN:
                continue
            if any(
                mine and mine == theirs
                for mine, theirs in zip(hold["who"], old["who"], strict=True)
            ):
                another = old["held"] >= LONG and old["who"][0] != hold["who"][0]
                hold["since"][seat] = now - old["held"]
                hold["handed_on"][seat] = old["handed_on"] or another
                del self.state["last"][seat]

    def hidden_from(self, who, known_since, now):
        """How long each seat is refused that somebody held for long."""
        hidden = {}
        for seat, old in self.state["last"].items():
            left = old["ended"] + COOL_DOWN - now
            if who[0] is None or old["held"] < LONG or left <= 0:
                continue
            same_place = any(
                mine and mine == theirs
                for mine, theirs in zip(who[1:], old["who"][1:], strict=True)
            )
            older = known_since is not None and known_since < old["ended"] - old["held"]
            helped = older and not old["handed_on"]
            if old["who"][0] == who[0] or (same_place and not helped):
                hidden[seat] = left
        return hidden

    # Choosing

    def choose(self, choice, staff, freed=(), statuses=("available",), hidden=()):  # noqa: C901
        """Lines by seat, or the code, the seats and the areas at fault."""
        lines, seats, areas = {}, {}, {}
        unnamed = [seat for seat in choice.seats if seat not in choice.ticket_types]
        unnamed += [one for one in choice.areas if one.ticket_type is None]
        if unnamed and self.default() is None:
            return ("ticket_type_missing", {}, {})
        for seat in choice.seats:
            if not 0 <= seat < len(self.plan):
                seats[seat] = "unknown"
                continue
            status = self.state["seats"][seat][0]
            ticket_type = choice.ticket_types.get(seat, self.default())
            if status not in statuses and seat not in freed:
                seats[seat] = status
            elif seat in hidden:
                seats[seat] = "cooling_down"
            elif self.price(seat, ticket_type, staff) is None:
                seats[seat] = "not_on_sale"
            else:
                lines[seat] = (ticket_type, self.price(seat, ticket_type, staff))
        for number in dict.fromkeys(wanted.area for wanted in choice.areas):
            wanted = [one for one in choice.areas if one.area == number]
            fault = self.choose_places(number, wanted, staff, freed, statuses, lines, hidden)
            if fault:
                areas[number] = fault
        if seats or areas:
            if {*seats.values(), *areas.values()} == {"cooling_down"}:
                return ("cooling_down", seats, areas)
            only_areas = not seats and set(areas.values()) == {"sold_out"}
            return ("sold_out" if only_areas else "seats_unavailable", seats, areas)
        return lines

    def choose_places(self, number, wanted, staff, freed, statuses, lines, hidden):
        if not 0 <= number < len(self.areas):
            return "unknown"
        pool, later = [], []
        for status in statuses:
            for place in self.areas[number]:
                is_freed = place in freed and status == statuses[0]
                if self.state["seats"][place][0] == status or is_freed:
                    (later if place in hidden else pool).append(place)
        asked = sum(one.quantity for one in wanted)
        if len(pool) < asked:
            return "cooling_down" if len(pool) + len(later) >= asked else "sold_out"
        for one in wanted:
            ticket_type = one.ticket_type or self.default()
            if self.price(pool[0], ticket_type, staff) is None:
                return "not_on_sale"
            for _ in range(one.quantity):
                place = pool.pop(0)
                lines[place] = (ticket_type, self.price(place, ticket_type, staff))
        return None

    def alone(self, run, taken):
        """The free seats of a run with nobody free beside them, when `taken` are taken."""
        lonely = set()
        for place, seat in enumerate(run):
            if seat in taken:
                continue
            left = place > 0 and run[place - 1] not in taken
            right = place + 1 < len(run) and run[place + 1] not in taken
            if not left and not right:
                lonely.add(seat)
        return lonely

    def blocks(self, run, quantity, may):
        for place in range(len(run) - quantity + 1):
            block = run[place : place + quantity]
            if all(may(seat) for seat in block):
                yield block

    def strands(self, seats, own=(), hidden=()):
        """Whether a choice strands a seat in some run, and another block there would not."""
        for run in self.runs:
            here = [seat for seat in seats if seat in run]
            if not here or set(here) == {seat for seat in own if seat in run}:
                continue
            taken = {seat for seat in run if not self.free(seat) and seat not in own}
            before = self.alone(run, taken)
            if not self.alone(run, taken | set(here)) - before:
                continue
            categories = {self.category(seat) for seat in here}
            reserved = any(self.reserved(seat) for seat in here)
            for block in self.blocks(run, len(here), lambda seat, taken=taken: seat not in taken):
                fits = all(
                    self.category(seat) in categories and (reserved or not self.reserved(seat))
                    for seat in block
                )
                fits = fits and not any(seat in hidden for seat in block)
                if fits and not self.alone(run, taken | set(block)) - before:
                    return True
        return False

    def reserved(self, seat):
        return self.plan[seat]["accessible"] or self.plan[seat]["companion"]

    def best(self, best, avoid, staff, hidden=()):  # noqa: C901
        names = [name for name, many in best.ticket_types for _ in range(many)]
        names = names or [self.default()] * best.quantity
        if None in names:
            return ("ticket_type_missing", {}, {})
        if not self.types(staff).issuperset(names):
            return ("unknown_ticket_type", {}, {})

        def may(seat):
            prices = [self.price(seat, name, staff) for name in names]
            return (
                None not in prices
                and (not best.categories or self.plan[seat]["category_number"] in best.categories)
                and (not best.sections or self.plan[seat]["section_number"] in best.sections)
                and (best.max_price is None or max(prices) <= best.max_price)
                and (best.accessible or not self.reserved(seat))
                and self.free(seat)
            )

        found, later = [], False
        for run in self.runs:
            taken = {seat for seat in run if not self.free(seat)}
            for block in self.blocks(run, best.quantity, may):
                if best.accessible and not any(self.plan[seat]["accessible"] for seat in block):
                    continue
                if any(seat in hidden for seat in block):
                    later = True
                    continue
                left_over = self.alone(run, taken | set(block)) - self.alone(run, taken)
                distance = sum(self.distance[seat] for seat in block)
                found.append((bool(left_over) and avoid, distance, block[0], block))
        if found:
            block = zip(min(found)[3], names, strict=True)
            return {seat: (name, self.price(seat, name, staff)) for seat, name in block}
        if later:
            return ("cooling_down", {}, {})
        left = [seat for seat in range(len(self.plan)) if may(seat)]
        if best.accessible and not any(self.plan[seat]["accessible"] for seat in left):
            return ("sold_out", {}, {})
        return ("no_block" if len(left) >= best.quantity else "sold_out", {}, {})

    def part(self, lines, part, code):
        if part is None:
            return []
        left, given, fault = dict(lines), [], False
        for seat in part.seats:
            if seat in left and seat < len(self.plan):
                given.append(seat)
            else:
                fault = True
        for wanted in part.areas:
            known = 0 <= wanted.area < len(self.areas)
            places = [
                place
                for place in (self.areas[wanted.area] if known else ())
                if place in left and wanted.ticket_type in {None, left[place][0]}
            ]
            if len(places) < wanted.quantity:
                fault = True
                continue
            for place in places[len(places) - wanted.quantity :]:
                del left[place]
                given.append(place)
        return (code, {}, {}) if fault else given

    def give(self, lines, status, owner):
        for seat in lines:
            self.state["seats"][seat] = (status, owner)


def neighbours(rows):
    """Runs of neighbours of rows of (number, col): a jump of `col` is an aisle."""
    runs = []
    for row in rows:
        run = [row[0][0]]
        for (_, before), (number, col) in pairwise(row):
            if abs(col - before) > 1:
                runs.append(run)
                run = []
            run.append(number)
        runs.append(run)
    return runs
