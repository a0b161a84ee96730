"""A job process: it runs the jobs in the queues, started and stopped by the parent.

The supervisor starts it with the name of its log directory and the control channel. It sends
`ready` on the channel when it takes jobs. When `stop` comes, when the channel closes because the
parent has ended, or on SIGTERM, it takes no more jobs, finishes or checkpoints those that it has,
and closes everything in reverse order. A job that it could not finish is done by the next worker:
its row is still in the outbox.
"""

import sys

from event_seating.composition import job_services
from event_seating.processes import child_runtime
from event_seating.processes.child_runtime import ParentChannel
from event_seating.processes.control_channel import READY
from event_seating.settings.model import Settings


def main(logs_in: str, channel_descriptor: int) -> int:
    """Run until stopped; the exit code."""
    return child_runtime.run(
        "jobs", lambda settings, _logs: _work(settings, channel_descriptor), logs_in=logs_in
    )


async def _work(settings: Settings, channel_descriptor: int) -> None:
    parent = await ParentChannel.on(channel_descriptor)
    if not await parent.wait_to_begin():
        return
    async with job_services.working(settings) as parts:
        parent.say(READY)
        order = await parent.wait_to_end()
        # Nobody waits for an orphan, and another process may have replaced it already.
        await parts.drain(at_once=order.orphaned)


if __name__ == "__main__":
    child_runtime.leave(main(sys.argv[1], int(sys.argv[2])))
