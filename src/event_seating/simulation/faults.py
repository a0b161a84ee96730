"""How often each fault occurs in a simulation, and the counts of all that happened.

The rates differ from seed to seed: some runs are calm, in others hardly a commit succeeds.
"""

from collections import Counter
from dataclasses import dataclass

from event_seating.simulation.chance import Chance


@dataclass(slots=True)
class FaultRates:
    """The probability of each fault for one call of the database."""

    unreachable: float
    """The call does not reach the database."""
    cut_off: float
    """The connection breaks in the middle of a transaction."""
    commit_refused: float
    """The connection breaks during the commit, which does not happen."""
    answer_lost: float
    """The commit happens, and its answer is lost."""
    commit_late: float
    """The answer is lost, and the commit happens later or not at all."""
    slow: float
    """The call takes many times as long."""
    call_ms: float
    """The longest time of a call in one direction."""

    @classmethod
    def drawn(cls, chance: Chance) -> "FaultRates":
        """Random rates for one run."""
        level = chance.one_of((0.0, 0.2, 1.0, 1.0, 3.0))
        return cls(
            unreachable=0.002 * level,
            cut_off=0.004 * level,
            commit_refused=0.01 * level,
            answer_lost=0.01 * level,
            commit_late=0.01 * level,
            slow=0.005 * level,
            call_ms=chance.one_of((0.2, 1.0, 5.0)),
        )

    def stop(self) -> None:
        """Stop all faults."""
        self.unreachable = self.cut_off = self.commit_refused = 0.0
        self.answer_lost = self.commit_late = self.slow = 0.0


class Count:
    """How often everything happened; a step is one request of a client or one fault."""

    def __init__(self) -> None:
        self.steps = 0
        self.happened: Counter[str] = Counter()

    def request(self, what: str) -> None:
        """A client asked."""
        self.steps += 1
        self.happened[f"request {what}"] += 1

    def fault(self, what: str) -> None:
        """Something went wrong on purpose."""
        self.steps += 1
        self.happened[f"fault {what}"] += 1

    def note(self, what: str, times: int = 1) -> None:
        """Count an outcome."""
        self.happened[what] += times
