"""Two ways that each know what an origin is never know two different things."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from hexauth import hot
from hexauth.credentials import short
from hexauth.hot import Front
from hexauth.model import Target
from hexauth.protocols import git
from hexauth.servers.targets import parse_target
from hexauth.world import urls
from hexauth.world.settings import load

SETTINGS = load({}, Path("/nonexistent/config.toml"))

PIECES = (
    *(  # noqa: SIM905  (a list would be four times as long)
        "https http HTTPS ssh :// : / // \\ @ ? # . .. %2E %3A %0a hex.pm HEX.PM evil.test 443 "
        ":443 :80 :0443 :8443 [ ] [::1] [0:0:0:0:0:0:0:1] ::1 b\xfccher xn--bcher-kva \u212a k "
        "\uff48 \u3002 \xdf ss \u0131 i \xad \u2028 \x85 me me: x - _ ~ * $"
    ).split(" "),
    "",
    " ",
    "\t",
    "\r",
)

URL = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)

ANY_URL = st.one_of(
    URL,
    URL.map("https://{}".format),
    URL.map("https://hex.pm{}".format),
    URL.map("https://hex.pm/{}".format),
    URL.map("https://{}hex.pm/".format),
    URL.map("https://[::1]{}".format),
    st.text(max_size=12).map("https://{}".format),
)

LINES = st.lists(
    st.one_of(
        st.sampled_from(("protocol=https", "host=hex.pm", "host=git.test", "path=a", "path", "")),
        st.sampled_from(("wwwauth[]=x", "wwwauth[]", "state[]", "capability[]=authtype")),
        st.builds("{}={}".format, st.sampled_from(("protocol", "host", "path", "url")), URL),
    ),
    max_size=5,
).map("\n".join)


def long_origin(target: Target) -> str:
    return urls.origin(str(target.protocol), str(target.host))


@given(ANY_URL)
def test_what_is_known_at_once_of_an_url_is_what_is_known_in_the_end(text: str) -> None:
    """`hot` looks for the origin that it reads among those in memory, each in its one spelling."""
    found = hot._origin(os.fsencode(text))
    if found is None or os.fsdecode(found) not in ("https://hex.pm", "https://[::1]"):
        return

    assert long_origin(parse_target(text, SETTINGS)) == os.fsdecode(found)


@given(ANY_URL)
def test_the_short_way_asks_for_what_the_long_way_asks_for(text: str) -> None:
    """`short` names the drawer by it: scheme, host and path, letter for letter."""
    front = Front()
    front.plain = (text, "git", None)
    if hot._origin(os.fsencode(text)) is None or (asked := short._asked(front)) is None:
        return

    assert asked[0] == parse_target(text, SETTINGS)


@given(LINES)
def test_what_is_known_at_once_of_git_s_request_is_what_git_says(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    found = hot._description(data, b"git")
    if found is None:
        return

    said = git.parse(data).target
    assert os.fsdecode(found[0]) == f"{said.protocol or ''}://{said.host or ''}"
    assert [os.fsdecode(each) for each in found[2:]] == (
        [] if said.username is None else [said.username]
    )


@given(st.sampled_from(("https", "http", "HTTPS", "ssh")), URL)
def test_an_origin_is_spelled_alike_by_both_ways(protocol: str, host: str) -> None:
    assert short.origin(protocol, host) == urls.origin(protocol, host)


@given(st.sampled_from(("https", "http")), URL)
def test_an_origin_s_spelling_is_its_own_origin(protocol: str, host: str) -> None:
    once = urls.origin(protocol, host)
    scheme, _, rest = once.partition("://")
    usual = (":443", ":80")

    assert urls.origin(scheme, rest) == once or rest.endswith(usual)


NAMES = st.text(st.characters(exclude_characters=".:[]"), min_size=1, max_size=6)


@given(NAMES, NAMES)
def test_names_that_are_not_ascii_are_never_taken_for_another(one: str, other: str) -> None:
    """Unless their ASCII letters differ in case alone, or one is the other's spelling in DNS."""
    if urls.origin("https", one) == urls.origin("https", other):
        assert ascii_lower(one) == ascii_lower(other) or "xn--" in one + other


def ascii_lower(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)


def test_names_that_others_map_to_a_name_are_not_that_name() -> None:
    """What IDNA, Unicode or an operating system may do with them, not every program does."""
    alike: Sequence[tuple[str, Sequence[str]]] = (
        (
            "hex.pm",
            ("\uff48ex.pm", "hex\u3002pm", "he\xadx.pm", "\u210eex.pm", quote("hex") + "%2Epm"),
        ),
        ("kids.test", ("\u212aids.test", "k\u0131ds.test", "kid\u017f.test", "k\u0130ds.test")),
        ("strasse.test", ("stra\xdfe.test", "stra\u1e9ee.test")),
        ("b\xfccher.test", ("B\xdcCHER.test", "bu\u0308cher.test", "bucher.test")),
    )
    for name, others in alike:
        assert urls.origin("https", name) not in {urls.origin("https", each) for each in others}
