import os
import subprocess
import sys
from pathlib import Path

import pytest

from hexauth.machine.folders import places
from hexauth.servers.named import KINDS, Names, files, is_word, words

HOME = {"HEXAUTH_HOME": "/h"}


def named(environ: dict[str, str]) -> dict[str, list[str]]:
    names = Names(environ)
    return {kind: words(KINDS[kind](names)) for kind in KINDS}


NOTHING = {
    "targets": ["hexpm"],
    "repositories": ["hexpm"],
    "keys": [],
    "servers": ["hexpm"],
    "accounts": [],
    "hosts": [],
}


def test_variables_name_servers_accounts_and_mirrors(tmp_path: Path) -> None:
    environ = {
        "HEXAUTH_HOME": str(tmp_path),
        "HEX_API_URL": "https://a.example/api",
        "HEX_API": "https://not.example/api",
        "HEX_MIRROR": "https://b.example",
        "HEX_TRUSTED_MIRROR_URL": "https://c.example:8443/x",
        "HEXAUTH_ACCOUNT": "zoë",
    }

    assert named(environ) == {
        "targets": [
            "hexpm", "https://a.example/api", "https://b.example", "https://c.example:8443/x"],
        "repositories": ["hexpm"],
        "keys": [],
        "servers": ["hexpm", "https://a.example/api"],
        "accounts": ["zoë"],
        "hosts": ["a.example", "b.example", "c.example:8443"],
    }  # fmt: skip


def test_config_file_names_what_is_in_its_tables(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("""
        api_url = "https://a.example/api"
        account = "bob"
        [accounts]
        "https://a.example/api" = "carol"
        [servers."https://b.example"]
        [repositories."hexpm:acme"]
        [repositories.own]
        url = "https://c.example/repo"
        api_url = "https://c.example/api"
    """)

    assert named({"HEXAUTH_HOME": str(tmp_path)}) == {
        "targets": ["hexpm", "hexpm:acme", "own", "https://a.example/api", "https://b.example",
                    "https://c.example/repo", "https://c.example/api"],
        "repositories": ["hexpm", "hexpm:acme", "own"],
        "keys": [],
        "servers": ["hexpm", "https://a.example/api", "https://b.example"],
        "accounts": ["bob", "carol"],
        "hosts": ["a.example", "b.example", "c.example"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("state/index.json", b"["),
        ("state/index.json", b'{"a": {"server": 1, "client_id": "c"}, "b": []}'),
        ("state/index.json", b"[" * 5000),
        ("state/index.json", b'{"a": {"server": "https://u:p@x.example", "client_id": "c"}}'),
        ("config.toml", b"= nonsense"),
        ("config.toml", b"\xff"),
        ("config.toml", b"a = " + b"[" * 5000),
        ("config.toml", b"servers = 1\nrepositories = ['a']\naccounts = {a = 1}\naccount = []"),
        ("config.toml", b"account = 'a'" + b"\n" * (1 << 20)),
    ],
)
def test_what_makes_no_sense_names_nothing(tmp_path: Path, file: str, content: bytes) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / file).write_bytes(content)

    assert named({"HEXAUTH_HOME": str(tmp_path)}) == NOTHING


def test_file_that_others_can_write_to_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("account = 'a'")
    (tmp_path / "config.toml").chmod(0o622)

    assert named({"HEXAUTH_HOME": str(tmp_path)}) == NOTHING


def test_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml", 0o600)

    assert named({"HEXAUTH_HOME": str(tmp_path)}) == NOTHING


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/a"},
        {"HOME": "/home/a", "XDG_CONFIG_HOME": "/c"},
        {"HOME": "/home/a", "HEXAUTH_HOME": "/h"},
        {"HOME": "/home/a", "HEXAUTH_HOME": "h"},
        {"HOME": "/home/a", "HEXAUTH_HOME": "~/h"},
        {"HEXAUTH_HOME": "/h", "XDG_CONFIG_HOME": "/c"},
        {},
    ],
)
def test_files_are_where_the_rest_of_hexauth_has_them(environ: dict[str, str]) -> None:
    found = places(environ)

    assert files(environ) == (str(found.config), str(found.state))


@pytest.mark.parametrize(
    "text",
    ["", "-a", "a b", "a;b", "a'b", 'a"b', "a$b", "a`b", "a\nb", "~a", "a*", "a?", "[a]", "{a}",
     "a\\b", "a&b", "a|b", "a<b", "a>b", "!a", "#a", "=a", "a=b", "%a", "^a", "a,b", "\x1b", "(a)",
     "\udcff", "\u202e", "https://u:p@h/", "a" * 256],
)  # fmt: skip
def test_what_a_shell_would_act_on_is_no_word(text: str) -> None:
    assert not is_word(text)


def test_nothing_is_imported_that_takes_long(tmp_path: Path) -> None:
    """Neither for the network and the vault, nor for a config.toml without any names in it."""
    code = "import sys; from hexauth.servers import named; named.os._exit = lambda code: None\n"
    code += "for kind in named.KINDS: named.complete(kind)\nprint(*sorted(sys.modules))"
    words = [sys.executable, "-S", "-c", code]
    root = str(Path(__file__).parent.parent.parent)
    environ = {"HEXAUTH_HOME": str(tmp_path), "PYTHONPATH": root}
    (tmp_path / "state").mkdir()
    (tmp_path / "state/index.json").write_text("{}")
    (tmp_path / "config.toml").write_text('vault = "file"')

    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)

    loaded = done.stdout.splitlines()[-1].split()
    own = {each for each in loaded if each.startswith("hexauth")}
    assert own == {
        "hexauth", "hexauth.hot", "hexauth.lean_json", "hexauth.servers", "hexauth.servers.named",
        "hexauth.vault", "hexauth.vault.quick",
    }  # fmt: skip
    assert not {
        "re",
        "json",
        "tomllib",
        "click",
        "requests",
        "keyring",
        "pathlib",
        "dataclasses",
    } & set(loaded)
