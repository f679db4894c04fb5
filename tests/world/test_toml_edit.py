import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from hexauth.world.toml_edit import put, take

FILE = """\
# mine
min_ttl = 60 # a minute

[accounts]
# at work
"https://a.test" = "alice"

# where packages are
[repositories.acme]
url = "https://acme.test" # ours
# to be moved

[repositories.other]
url = "https://other.test"
"""


def test_a_key_that_is_there_changes_in_its_place() -> None:
    assert put(FILE, ("min_ttl",), 5) == FILE.replace("60", "5")


def test_a_new_key_stands_below_the_last_of_its_table() -> None:
    after = put(put(FILE, ("vault",), "file"), ("accounts", "https://b.test"), "bob")

    assert after == FILE.replace("minute\n", 'minute\nvault = "file"\n').replace(
        '"alice"\n', '"alice"\n"https://b.test" = "bob"\n'
    )


def test_a_new_table_stands_at_the_end() -> None:
    after = put(FILE, ("servers", "https://s.test", "client_id"), "x")

    assert after == f'{FILE}\n[servers."https://s.test"]\nclient_id = "x"\n'


def test_a_key_goes_alone() -> None:
    assert take(FILE, ("min_ttl",)) == FILE.replace("min_ttl = 60 # a minute\n", "")


def test_a_table_goes_with_its_last_key_and_leaves_what_is_said_of_the_next() -> None:
    after = take(FILE, ("accounts", "https://a.test"))

    assert after == FILE.replace('[accounts]\n# at work\n"https://a.test" = "alice"\n\n', "")


def test_tables_below_a_table_go_with_it() -> None:
    after = take(FILE, ("repositories",))

    assert tomllib.loads(after) == {"min_ttl": 60, "accounts": {"https://a.test": "alice"}}
    assert "# where packages are" in after


def test_what_was_put_into_an_empty_file_leaves_it_empty() -> None:
    text = put(put("", ("accounts", "https://a.test"), "a"), ("min_ttl",), 5)

    assert take(take(text, ("accounts",)), ("min_ttl",)) == ""


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("repositories.a.url = 'x'\n", ("repositories", "a", "trusted")),
        ("servers = {'https://a' = {scope = 'x'}}\n", ("servers", "https://a", "client_id")),
        ("servers = {'https://a' = {scope = 'x'}}\n", ("servers", "https://b", "client_id")),
        ("a = [\n ['x'],\n]\n[t]\ny = '''\n[z]\n'''\n", ("t", "v")),
        ("a = 1", ("b",)),
        ("a = 1", ("t", "b")),
        ("# said of a\n[a]\nb = 1\n", ("c",)),
        ("# mine\n\n# said of a\n[a]\nb = 1\n", ("c",)),
        ("[a]\r\nb = 1\r\n", ("a", "c")),
        ("[a.b]\nc = 1\n", ("a", "d")),
        ("[a] # more\n", ("a", "d")),
    ],
)
def test_documents_may_be_written_in_any_way(text: str, path: tuple[str, ...]) -> None:
    """And what was written stays, word for word."""
    after = put(text, path, "new")
    table: Any = tomllib.loads(after)
    for name in path:
        table = table[name]

    assert table == "new"
    assert tomllib.loads(take(after, path)) == {
        name: table for name, table in tomllib.loads(text).items() if table != {}
    }
    assert [line for line in text.splitlines() if "#" in line and line not in after] == []


@pytest.mark.parametrize(("text", "path"), [("a = 1\n", ("a", "b")), ("no TOML", ("a",))])
def test_what_cannot_be_done_is_an_error(text: str, path: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"."):
        put(text, path, 1)


@pytest.mark.parametrize("path", [("b",), ("t", "b"), ("t", "u", "b"), ("x", "y")])
def test_what_is_not_there_cannot_go(path: tuple[str, ...]) -> None:
    with pytest.raises(KeyError):
        take("a = 1\n[t]\nc = 1\n[t.u]\nd = 1\n", path)


VALUES = st.integers(0, 99) | st.booleans() | st.text() | st.lists(st.text(), max_size=2)
TABLES = st.dictionaries(st.text(), VALUES, min_size=1, max_size=3)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), VALUES | TABLES, max_size=4), st.text(), st.text(), VALUES)
def test_documents_say_the_same_but_for_what_was_put(
    said: dict[str, Any], table: str, key: str, value: object
) -> None:
    if not isinstance(said.get(table, {}), dict):
        return
    text = tomlkit.dumps(said)

    after = put(text, (table, key), value)

    assert tomllib.loads(after) == {**said, table: {**said.get(table, {}), key: value}}
    rest = {name: each for name, each in said.get(table, {}).items() if name != key}
    left = {name: each for name, each in said.items() if name != table}
    assert tomllib.loads(take(after, (table, key))) == {**left, **({table: rest} if rest else {})}
