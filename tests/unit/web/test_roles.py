"""What each role may do, and whose request it is."""

import pytest

from event_seating.errors import Forbidden, Unauthorized
from event_seating.web.endpoints import Endpoint
from event_seating.web.roles import PROXY_HEADERS, Authenticator, Principal, Role, admit


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("least", list(Role))
def test_a_role_may_do_all_that_a_lower_one_may(role: Role, least: Role) -> None:
    principal = Principal("x", role, limited=True)
    endpoint = Endpoint(method="GET", path="/", access=least)
    if role >= least:
        admit(endpoint, principal)
        return
    with pytest.raises(Unauthorized if role == Role.anyone else Forbidden):
        admit(endpoint, principal)


@pytest.mark.parametrize("header", [b"Bearer key", b"bearer key", b"BEARER  key ", b"Bearer key\t"])
def test_the_scheme_may_be_written_as_it_likes(header: bytes) -> None:
    assert (
        Authenticator("key", open_mode=False).authenticate({b"authorization": header}).role
        == Role.admin
    )


def test_without_a_key_in_the_settings_none_is_right() -> None:
    for header in (b"Bearer ", b"Bearer", b"Bearer None"):
        with pytest.raises(Unauthorized):
            Authenticator(None, open_mode=True).authenticate({b"authorization": header})


@pytest.mark.parametrize("name", sorted(PROXY_HEADERS))
def test_a_request_that_a_proxy_passed_on_is_nobodys_in_particular(name: bytes) -> None:
    authenticator = Authenticator(None, open_mode=True)
    assert authenticator.authenticate({b"host": b"localhost"}).role == Role.admin
    assert authenticator.authenticate({name: b""}).role == Role.anyone
