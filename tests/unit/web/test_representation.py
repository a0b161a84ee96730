import pytest

from event_seating.web.representation import has_current, prefers_gzip


@pytest.mark.parametrize(
    ("header", "gzip"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.000", False),
        ("identity", False),
        ("identity;q=1, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=1", True),
        ("identity, gzip", True),
        ("identity;q=0, gzip;q=0.001", True),
        ("br", False),
        ("gzip;q=nonsense", False),
        ("gzip ; q=0.3", True),
        (",,;", False),
        ("notgzip", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it_gladly(header: str, *, gzip: bool) -> None:
    assert prefers_gzip(header) is gzip


@pytest.mark.parametrize(
    ("header", "current"),
    [
        (None, False),
        ("", False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"c" ,"a"', True),
        ('"b,a", "c"', False),
        ("*", True),
        (" * ", True),
        ("a", False),
        ('"A"', False),
        ('"a-gzip"', False),
        ('"*"', False),
    ],
)
def test_a_tag_is_found_by_the_weak_comparison(header: str | None, *, current: bool) -> None:
    assert has_current(header, '"a"') is current
