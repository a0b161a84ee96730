"""What a webhook wants, what signs for it, and how its deliveries are called."""

import pytest

from event_seating.webhooks import model
from event_seating.webhooks.model import ROTATION_MS, Webhook

KNOWN = {"booking.created", "hold.created"}


def webhook(*types: str, paused: bool = False) -> Webhook:
    return Webhook("wh-1", "https://a.example/", types, None, "whsec_a", None, None, paused, 1, 1)


def test_types_are_kept_once_and_in_order() -> None:
    asked = ["hold.created", "booking.created", "hold.created"]
    assert model.checked_types(asked, KNOWN) == ("booking.created", "hold.created")
    assert model.checked_types(["hold.created", "*"], KNOWN) == ("*",)


@pytest.mark.parametrize("types", [[], ["booking"], ["test"], ["booking.*"], ["**"], ["a" * 999]])
def test_types_that_do_not_exist_are_refused_by_name(types: list[str]) -> None:
    with pytest.raises(ValueError, match=r"booking\.created, hold\.created, and \* for all") as no:
        model.checked_types(types, KNOWN)
    assert len(str(no.value)) < 200


def test_a_webhook_wants_what_it_names_or_everything_and_nothing_while_paused() -> None:
    assert webhook("hold.created").subscribes_to("hold.created")
    assert not webhook("hold.created").subscribes_to("booking.created")
    assert webhook("*").subscribes_to("booking.created")
    assert not webhook("*", paused=True).subscribes_to("booking.created")


def test_an_old_secret_signs_for_a_day() -> None:
    rotated = webhook("*").rotated("whsec_b", 1_000)
    assert rotated.keys(1_000) == ("whsec_b", "whsec_a")
    assert rotated.keys(1_000 + ROTATION_MS - 1) == ("whsec_b", "whsec_a")
    assert rotated.keys(1_000 + ROTATION_MS) == ("whsec_b",)
    assert rotated.rotated("whsec_c", 2_000).keys(2_000) == ("whsec_c", "whsec_b")


def test_a_delivery_has_the_same_id_whenever_its_cause_is_done_again() -> None:
    first = model.delivery_id("job-1", "wh-1", 0)
    assert first == model.delivery_id("job-1", "wh-1", 0)
    others = {model.delivery_id("job-1", "wh-1", 1), model.delivery_id("job-1", "wh-2", 0)}
    assert len({first, *others, model.delivery_id("job-2", "wh-1", 0)}) == 4
    assert model.is_delivery_id(first)


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "\ud800", "a" * 201])
def test_a_description_that_a_database_or_a_line_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        model.checked_description(text)


def test_a_description_is_trimmed() -> None:
    assert model.checked_description("  the shop ") == "the shop"
