"""One job process: what the queues hold, done from the parent's word to the parent's word.

Started by the supervisor with the name of its log directory and a channel. It says `ready` on the
channel when it takes jobs. When the channel says `stop`, or closes because the parent is gone, or
SIGTERM comes, it takes no more, finishes or checkpoints what it has, and takes everything down in
reverse. A job that it could not finish is done by the next one: its row is still in the outbox.
"""

import sys

from event_seating.composition import job_services
from event_seating.processes import child_runtime
from event_seating.processes.child_runtime import Orders
from event_seating.processes.control_channel import READY
from event_seating.settings.model import Settings


def main(logs_in: str, channel_descriptor: int) -> int:
    """Run until told to stop; the exit code."""
    return child_runtime.run(
        "jobs", lambda settings, _logs: _work(settings, channel_descriptor), logs_in=logs_in
    )


async def _work(settings: Settings, channel_descriptor: int) -> None:
    orders = await Orders.on(channel_descriptor)
    if not await orders.to_begin():
        return
    async with job_services.working(settings) as parts:
        orders.say(READY)
        order = await orders.to_end()
        # Nobody waits for an orphan, whose place another may have taken already.
        await parts.drain(at_once=order.orphaned)


if __name__ == "__main__":
    child_runtime.leave(main(sys.argv[1], int(sys.argv[2])))
