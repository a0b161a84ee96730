"""Which URLs a webhook may have, and which addresses are public."""

import pytest

from event_seating.webhooks.targets import URL_CHARS_MAX, TargetRules, is_public, parse

PRODUCTION = TargetRules(plain_http=False, private_networks=False)
DEVELOPMENT = TargetRules(plain_http=True, private_networks=True)

NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%1",
    "2606:4700::1%2",
    "fec0::1",
    "ff02::1",
]

PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
          "192.0.1.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1"]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_of_the_public_internet_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0177.0.0.1", "1.2.3", "1.2.3.4.5"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM:443/Hook?a=1&b=%20", "https://example.com/Hook?a=1&b=%20"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("https://example.com?a=b", "https://example.com/?a=b"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::0001]:99/", "https://[2606:4700::1]:99/"),
    ],
)
def test_a_url_is_kept_in_one_form(text: str, url: str) -> None:
    assert parse(text, PRODUCTION).url == url
    assert parse(url, PRODUCTION).url == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "//example.com/",
        "http\u017f://example.com/",  # a long s, which is an s where case is ignored
        "https://example.com/\u017f",
        "https://boo\u212as.example/",  # the sign of the kelvin, which is a k
        "https://example.\u0131n/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://example.com/",
        "https://",
        "https:///path",
        "https:/example.com",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com\\@127.0.0.1/",
        "https://example.com /",
        " https://example.com/",
        "https://example.com/\n",
        "https://example.com/\r\nHost: other",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:/",
        "https://example.com:80a/",
        "https://example.com./",
        "https://.example.com/",
        "https://exa mple.com/",
        "https://-a.example/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 127 + "example/",
        "https://bücher.example/",
        "https://\uff45xample.com/",
        "https://example\u3002com/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://1.2.3.04/",
        "https://1.2.3.256/",
        "https://example.1/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[1.2.3.4]/",
        "https://[12345::]/",
        "https://localhost/",
        "https://LOCALHOST:8443/",
        "https://a.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://nas.home.arpa/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://example.com/" + "a" * URL_CHARS_MAX,
    ],
)
def test_a_url_that_is_doubtful_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(text, PRODUCTION)


def test_a_long_refused_name_is_not_repeated_in_full() -> None:
    with pytest.raises(ValueError, match="no host's name") as refused:
        parse("https://" + "a" * 2000 + "/", PRODUCTION)
    assert len(str(refused.value)) < 300


def test_development_may_call_this_machine_without_tls() -> None:
    assert parse("http://127.0.0.1:3000/hook", DEVELOPMENT).url == "http://127.0.0.1:3000/hook"
    assert parse("http://localhost/", DEVELOPMENT).authority == "localhost"
    assert parse("http://[::1]:80/", DEVELOPMENT).authority == "[::1]"
    with pytest.raises(ValueError, match="four decimal numbers"):
        parse("http://127.1/", DEVELOPMENT)
