"""Erlang terms as text; the samples were written by Erlang/OTP 25 with `io:format("~p.~n")`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import UsageError
from hexauth.protocols import erlang

MIX = """%% coding: utf-8
{'$read_key',<<"0123456789abcdef0123456789abcdef">>}.
{'$repos',#{<<"hexpm">> =>
                #{oauth_exchange => true,trusted => true,auth_key => nil,
                  url => <<"https://repo.hex.pm">>}}}.
{'$oauth_token',#{<<"access_token">> => <<"eyJ">>,<<"expires_at">> => 1790000000}}.
"""


def values(text: str) -> list[object]:
    return [term.value for term in erlang.parse(text)]


def test_mix_s_file_is_read() -> None:
    assert values(MIX) == [
        ("$read_key", "0123456789abcdef0123456789abcdef"),
        (
            "$repos",
            {
                "hexpm": {
                    "oauth_exchange": "true",
                    "trusted": "true",
                    "auth_key": "nil",
                    "url": "https://repo.hex.pm",
                }
            },
        ),
        ("$oauth_token", {"access_token": "eyJ", "expires_at": 1790000000}),
    ]


def test_each_term_knows_its_text() -> None:
    assert [MIX[term.start : term.end][:12] for term in erlang.parse(MIX)] == [
        "{'$read_key'",
        "{'$repos',#{",
        "{'$oauth_tok",
    ]
    assert {MIX[term.end - 1] for term in erlang.parse(MIX)} == {"."}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("atom", "atom"),
        ("'an atom'", "an atom"),
        ('"a \\"b\\" \\x{e9}\\n"', 'a "b" \u00e9\n'),
        ("<<>>", ""),
        ("<<1,2,255>>", "\x01\x02\udcff"),
        ('<<"\u00fc"/utf8>>', "\u00fc"),
        ("-12", -12),
        ("1.5e-3", 0.0015),
        ("{}", ()),
        ("[]", []),
        ("#{}", {}),
        ("{a,[1,{b}],#{c => d}}", ("a", [1, ("b",)], {"c": "d"})),
        ("#{{a,1} => b}", {"{a,1}": "b"}),
        ("% nothing\n a % more\n", "a"),
    ],
)
def test_every_kind_of_term_is_read(text: str, value: object) -> None:
    assert values(f"{text}.") == [value]


@pytest.mark.parametrize(
    "text",
    [
        "a", "a b.", "{a.", "[a,].", "#{a}.", "#{a => }.", "<<a>>.", "<<256>>.", "<<\"a>>.", "'a.",
        "fun() -> ok end.", "A.", ".", "[" * 5000, "1" * 5000 + ".", "[{:a, 1}]",
    ],
)  # fmt: skip
def test_what_is_no_term_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        erlang.parse(text)


def test_maps_that_are_keys_of_maps_take_no_longer_than_their_length() -> None:
    """Were each a text in a text, this one would fill no disk."""
    assert len(values("#{" * 90 + "'\\\\'" + " => 1}" * 90 + ".")) == 1


TERMS = st.text(st.sampled_from(list("{}[]<>#=,.'\"\\%ax1 \n/u")) | st.characters(), max_size=60)


@given(TERMS | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_any_text_is_terms_or_refused(text: str) -> None:
    try:
        found = erlang.parse(text)
    except UsageError:
        return
    assert all(0 <= term.start < term.end <= len(text) for term in found)


ATOMS = st.text("abcXYZ019_@", min_size=1).map(lambda text: f"a{text}")
STRINGS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STRINGS | ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(STRINGS | ATOMS | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def written(value: object) -> str:
    """Return a term as Erlang would write it."""
    if isinstance(value, str):
        if value.isascii() and value.isidentifier() and value[0].islower():
            return value
        text = "".join(f"\\x{{{ord(each):x}}}" if each in '"\\' else each for each in value)
        return f'<<"{text}"/utf8>>'
    if isinstance(value, dict):
        return "#{" + ",".join(f"{written(k)} => {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(written, value)) + "}"
    if isinstance(value, list):
        return "[" + ",\n ".join(map(written, value)) + "]"
    return f"{value:.20e}" if isinstance(value, float) else str(value)


@given(st.lists(VALUES, max_size=3))
def test_what_erlang_writes_is_read_back(terms: list[object]) -> None:
    assert values("".join(f"{written(each)}.\n% more\n" for each in terms)) == terms
