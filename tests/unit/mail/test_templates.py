"""Each job that sends a mail has the two templates of its name."""

from typing import Any

import pytest

from event_seating.booking.effects.mails import BookingMails
from event_seating.mail.rendering import TEMPLATES
from event_seating.users.welcome_mails import WelcomeMails

NOTHING: Any = None

MAILS = [
    *WelcomeMails(NOTHING, NOTHING).handlers(),
    *BookingMails(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING).handlers(),
]


def test_no_two_mails_have_the_same_name() -> None:
    assert len(MAILS) == len(set(MAILS)) > 0


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_is_there_as_text_and_as_html(name: str) -> None:
    assert (TEMPLATES / f"{name}.txt").is_file()
    assert (TEMPLATES / f"{name}.html").is_file()
