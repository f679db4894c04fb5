import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexauth.screen.indented import DEEPEST, STEP, TOKENS, indented

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)


def test_each_item_has_a_line() -> None:
    text = '{"name":"ecto","meta":{},"releases":[{"version":"1.0"},{"version":"2.0"}],"url":[]}'

    assert indented(text) == json.dumps(json.loads(text), indent=2)


@settings(max_examples=50)
@given(JSON, st.sampled_from([None, (",", ":"), (", ", ": ")]), st.booleans())
def test_documents_say_what_they_said(
    said: object, signs: tuple[str, str] | None, is_ascii: bool
) -> None:
    text = json.dumps(said, separators=signs, ensure_ascii=is_ascii)

    assert indented(text) == json.dumps(said, indent=2, ensure_ascii=is_ascii)


def test_no_digit_and_no_name_is_lost() -> None:
    text = '{"a": 1.10, "a": 1E400, "b": 12345678901234567890.0}'

    assert TOKENS.findall(indented(text) or "") == TOKENS.findall(text)


@pytest.mark.parametrize("text", ["", "{", "no JSON", '{"a": 1}x', "[" * 100_000, '["\t"]'])
def test_what_is_no_json_stays_as_it_is(text: str) -> None:
    assert indented(text) is None


def test_what_is_nested_for_its_own_sake_takes_no_room() -> None:
    text = "[" * 300 + "]" * 300

    assert len(indented(text) or "") <= 600 * (STEP * DEEPEST + 2)
