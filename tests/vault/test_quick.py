"""Reading an entry with few imports; what it gives is compared in tests/cli/test_cli_short.py."""

import os
import socket
from pathlib import Path

import pytest

from hexauth.vault import bus, quick
from hexauth.vault.file import FileVault
from hexauth.vault.quick import BUS, MARK, Unusual

BUS_PATH = "/run/user/1000/bus"


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (f"unix:path={BUS_PATH}", BUS_PATH),
        (f"unix:path={BUS_PATH},guid=00", BUS_PATH),
        (f"unix:path={BUS_PATH},other=1", None),
        (f"unix:path={BUS_PATH};unix:path=/x", None),
        ("unix:path=/a%20b", None),
        ("unix:path=relative", None),
        ("unix:abstract=/tmp/x", None),
        ("unix:tmpdir=/tmp", None),
        ("tcp:host=127.0.0.1,port=1", None),
        ("nonsense", None),
    ],
)
def test_only_a_plain_socket_is_read_from(address: str, path: str | None) -> None:
    assert quick.socket_path({BUS: address}) == path


@pytest.mark.parametrize(
    "environ", [{"XDG_CURRENT_DESKTOP": "KDE"}, {"KEYRING_PROPERTY_APPID": "x"}]
)
def test_what_keyring_has_to_choose_is_not_read(environ: dict[str, str]) -> None:
    assert quick.socket_path({BUS: f"unix:path={BUS_PATH}", **environ}) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b"\xff", b"[" * 100_000])
def test_what_is_no_index_is_empty(content: bytes) -> None:
    assert quick.entries(content) == {}


def test_entries_whose_facts_are_no_texts_are_left_out() -> None:
    content = b'{"a": {"b": "c"}, "d": {"e": 1}, "f": [], "g": {"h": "\\ud800"}}'

    assert quick.entries(content) == {"a": {"b": "c"}}


def test_a_file_that_is_encrypted_and_plain_is_left_to_the_vault(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    path.write_text('{"version": 1, "entries": {"a": "b"}, "cipher": "x"}')
    path.chmod(0o600)
    tmp_path.chmod(0o700)

    with pytest.raises(Unusual):
        quick.from_file(str(path), ["a"])


def test_an_entry_is_where_the_index_says_or_where_the_first_one_went() -> None:
    index = {"a": {"vault": "file"}, "auto": {"vault": "keyring"}, "odd": {"vault": "cupboard"}}

    assert [quick.noted(index, name) for name in ("a", "b", "odd")] == [
        ("file", "a"),
        ("keyring", "auto"),
        ("keyring", "auto"),
    ]
    assert quick.noted({}, "a") is None


def test_values_are_those_that_the_vault_has_written(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "vault")
    for name in ("one", "two"):
        vault.write(name, f"value of {name}")

    assert quick.from_file(str(vault.path), ["two", "none", "one"]) == [
        "value of two",
        None,
        "value of one",
    ]


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert quick.from_file(str(tmp_path / "vault.json"), ["a"]) == [None]


def test_a_link_to_nowhere_is_not_nothing(tmp_path: Path) -> None:
    (tmp_path / "vault.json").symlink_to("nowhere")

    with pytest.raises(Unusual):
        quick.from_file(str(tmp_path / "vault.json"), ["a"])


def test_a_keyring_that_hangs_up_leaves_its_mutex(tmp_path: Path) -> None:
    """The longer way, in the same process, needs it next."""
    mutex = str(tmp_path / "keyring.lock")
    for _ in range(2):
        with pytest.raises(bus.Unusual):
            quick.Keyring(str(tmp_path / "nowhere"), mutex, 1, "hexauth", ["a"])


def test_a_value_in_parts_is_left_to_the_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def secrets(*_words: object) -> object:
        yield None
        yield [f"{MARK}a:1:00"]

    monkeypatch.setattr("hexauth.vault.bus.secrets", secrets)
    keyring = quick.Keyring("path", str(tmp_path / "lock"), 1, "hexauth", ["a"])

    with pytest.raises(Unusual, match="parts"):
        keyring.read()


@pytest.mark.parametrize("protocol", ["https", "docker", "a:b", "a%3Ab"])
@pytest.mark.parametrize("host", ["git.test", "git.test:80", "ü", "a\\b", "a\nb", "\udcff"])
def test_drawers_have_names_that_keyrings_can_hold(protocol: str, host: str) -> None:
    name = quick.drawer(protocol, host)

    assert name.isascii()
    assert name.isprintable()
    others = {
        quick.drawer(*each)
        for each in [(p, h) for p in ("https", "docker", "a:b", "a%3Ab") for h in ("x", host)]
    }
    assert len(others) == 8


def test_a_bus_that_is_the_user_s_own_socket_is_found(tmp_path: Path) -> None:
    path = tmp_path / str(os.getuid()) / "bus"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))

        assert quick.bus_address({}, str(tmp_path)) == f"unix:path={path}"
