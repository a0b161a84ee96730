"""Signatures, verified by the package that receivers use."""

import base64
import hashlib
import hmac

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from event_seating.clock import SystemClock
from event_seating.webhooks import signing

BODY = '{"type":"test","data":{"name":"Ärger ☃"}}'


def now_ms() -> int:
    return SystemClock().now_ms()


def test_the_reference_library_takes_what_is_signed() -> None:
    secret = signing.new_secret()
    headers = signing.headers("job-1", BODY, now_ms(), [secret])
    assert headers["webhook-id"] == "job-1"
    assert Verifier(secret).verify(BODY.encode(), headers)["type"] == "test"


def test_a_signature_is_what_the_specification_says() -> None:
    secret = signing.new_secret()
    headers = signing.headers("job-1", BODY, 1_700_000_000_999, [secret])
    assert headers["webhook-timestamp"] == "1700000000"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    signed = hmac.digest(key, f"job-1.1700000000.{BODY}".encode(), hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"


@pytest.mark.parametrize("knows", [0, 1])
def test_during_a_rotation_a_receiver_may_know_either_secret(knows: int) -> None:
    secrets = [signing.new_secret(), signing.new_secret()]
    headers = signing.headers("job-1", BODY, now_ms(), secrets)
    assert len(headers["webhook-signature"].split(" ")) == 2
    Verifier(secrets[knows]).verify(BODY, headers)


def test_nobody_else_signs_and_nothing_can_be_changed() -> None:
    secret = signing.new_secret()
    headers = signing.headers("job-1", BODY, now_ms(), [secret])
    for verifier, changed, body in (
        (Verifier(signing.new_secret()), headers, BODY),
        (Verifier(secret), headers, BODY + " "),
        (Verifier(secret), {**headers, "webhook-id": "job-2"}, BODY),
        (Verifier(secret), {**headers, "webhook-timestamp": str(now_ms() // 1000 - 9)}, BODY),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, changed)
