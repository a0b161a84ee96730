"""What does the jobs of a job process, by their names.

Apart from `bootstrap`, so that a serving process loads nothing that it never uses: sending needs an
HTTP client, for example.
"""

from event_seating.booking.announcements import NEWS_TYPES
from event_seating.booking.house import HouseOf
from event_seating.booking.news import NewsJobs
from event_seating.clock import Clock
from event_seating.config import Settings
from event_seating.db.database import Database
from event_seating.jobs.model import Handler
from event_seating.webhooks.jobs import WebhookJobs
from event_seating.webhooks.sender import Sender
from event_seating.webhooks.service import Changed, WebhookService
from event_seating.webhooks.targets import rules_of


def of_webhooks(
    settings: Settings, database: Database, clock: Clock, house_of: HouseOf, changed: Changed
) -> dict[str, Handler]:
    """`webhook-news` and `webhook`.

    `changed` is awaited when a receiver that is gone was paused: whoever serves wants to know.
    """
    rules = rules_of(settings)
    webhooks = WebhookService(database, clock, NEWS_TYPES, rules, changed)
    news = NewsJobs(database, house_of, webhooks.tell)
    calls = WebhookJobs(database, clock, Sender(rules), changed)
    return news.handlers() | calls.handlers()
