"""JSON without json: the same values, the same bytes, the same refusals."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth import lean_json

TEXTS = st.text(st.characters(codec=None))  # lone surrogates, too
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


@given(VALUES)
def test_what_is_written_is_what_json_writes(value: object) -> None:
    assert lean_json.dumps(value) == json.dumps(value)


@pytest.mark.parametrize("value", [True, 1.5, {1: "a"}, [object()]])
def test_what_nobody_needs_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        lean_json.dumps(value)


@given(st.from_type(bool) | st.floats(allow_nan=False) | VALUES, st.booleans())
def test_what_json_writes_is_read_back(value: object, pretty: bool) -> None:
    assert lean_json.loads(json.dumps(value, indent=2 if pretty else None)) == value


@given(st.text(alphabet='{}[]",:\\u0123nulltrefas .-eE\n\t\x00'))
def test_any_text_is_read_or_refused_as_json_does(text: str) -> None:
    def outcome(loads: Callable[[str], object]) -> object:
        try:
            return repr(loads(text))
        except ValueError:
            return ValueError

    assert outcome(lean_json.loads) == outcome(json.loads)


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xef\xbb\xbf1", b" ", b"1 2", b'"\xc3"'])
def test_bytes_that_are_no_json_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (as json raises)
        lean_json.loads(content)


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(RecursionError):
        lean_json.loads("[" * 100_000)
