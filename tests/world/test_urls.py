import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.world.urls import is_loopback, is_web_url, origin, split_url


@pytest.mark.parametrize(
    ("protocol", "host", "spelling"),
    [
        ("https", "hex.pm", "https://hex.pm"),
        ("HTTPS", "Hex.PM", "https://hex.pm"),
        ("https", "hex.pm:443", "https://hex.pm"),
        ("http", "hex.pm:80", "http://hex.pm"),
        ("http", "hex.pm:443", "http://hex.pm:443"),
        ("https", "hex.pm:80", "https://hex.pm:80"),
        ("https", "hex.pm:8443", "https://hex.pm:8443"),
        ("https", "hex.pm:4430", "https://hex.pm:4430"),
        ("https", "hex.pm.", "https://hex.pm."),
        ("https", "[::1]:443", "https://[::1]"),
        ("git", "hex.pm:443", "git://hex.pm:443"),
    ],
)
def test_origin_has_one_spelling(protocol: str, host: str, spelling: str) -> None:
    assert origin(protocol, host) == spelling


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:80", "127.8.9.10", "[::1]", "[::1]:80", "localhost", "LOCALHOST:1"],
)
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.example.com",
        "localhost.evil.com",
        "localhostx",
        "xlocalhost",
        "evil.com",
        "127.0.0.1@evil.com",
        "0.0.0.0",  # noqa: S104  (nothing is bound)
        "10.0.0.1",
        "[::2]:80",
        "",
    ],
)
def test_other_machine_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


URLS = st.text(":/@[]13.a?#%\\\tü").map(lambda rest: f"https://{rest}")


@given(st.text() | URLS)
def test_any_text_is_an_address_with_one_origin_or_none(url: str) -> None:
    if is_web_url(url):
        here = origin(*split_url(url))
        assert origin(*split_url(here)) == here
        is_loopback(split_url(url)[1])
