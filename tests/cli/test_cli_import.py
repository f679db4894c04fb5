"""`hexauth import`: what others have kept, listed, copied, and removed when asked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve
from tests.protocols.test_protocol_erlang import MIX

Make = Callable[[Sandbox], Machine]

KEY = "0123456789abcdef0123456789abcdef"

GIT = """https://alice:p%40ss@git.test
https://bob:other@git.test/with/path
no URL
https://carol:x@hex.test
"""

REBAR = """#{<<"hexpm">> =>
      #{read_key => <<"fedcba9876543210fedcba9876543210">>,
        repo_key => <<"00000000000000000000000000000000">>,
        username => <<"alice">>,
        write_key => {<<1,2,3>>,{<<4>>,<<5>>}}}}.
"""


@pytest.fixture
def here(serve: Serve, machine: Make) -> Machine:
    return machine(serve(approve_after=0))


def put(here: Machine, name: str, text: str) -> Path:
    path = here.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def imported(here: Machine, *words: str) -> list[str]:
    """Return the lines that `hexauth import` prints, without the home folder, and wide."""
    done = here.hexauth("import", *words, environ={"COLUMNS": "200"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert KEY.encode() not in done.stdout
    assert b"p@ss" not in done.stdout
    return done.stdout.decode().replace(f"{here.home}/", "").splitlines()


def stored(here: Machine, request: str) -> str:
    return here.hexauth("get", "--no-login", give=request.encode()).stdout.decode()


def test_nothing_is_found_where_nothing_is(here: Machine) -> None:
    assert imported(here) == [
        "Nothing was found that mix, rebar3, gleam or git-credential-store have kept."
    ]


def test_everything_is_listed_and_nothing_changed(here: Machine) -> None:
    put(here, ".git-credentials", GIT)
    put(here, ".hex/hex.config", MIX)
    put(here, ".config/rebar3/hex.config", REBAR)
    put(here, ".cache/gleam/hex/hexpm/credentials", "alice\nencrypted\n")

    lines = imported(here)

    assert lines == [
        "git: .git-credentials",
        "  the password of alice for https://git.test: can be copied",
        "  the password of bob for https://git.test/with/path: can be copied",
        "  a line that git-credential-store would not understand: left where it is",
        "  the password of carol for https://hex.test: can be copied",
        "mix: .hex/hex.config",
        "  an API key: can be copied",
        "  an OAuth login, which is bound to the program that made it: left where it is",
        "rebar3: .config/rebar3/hex.config",
        "  an API key: can be copied",
        "  an API key, encrypted with a password of its own: left where it is",
        "  the repo_key of the repository hexpm: can be copied",
        "gleam: .cache/gleam/hex/hexpm/credentials",
        "  an API key, encrypted with a password of its own: left where it is",
        "",
        "Nothing was changed; `hexauth import --yes` copies.",
    ]
    assert not (here.home / "hexauth").exists()


def test_passwords_are_copied_and_their_file_stays(here: Machine) -> None:
    path = put(here, ".git-credentials", GIT)

    lines = imported(here, "--yes")

    assert [line.rpartition(": ")[2] for line in lines[1:]] == [
        "copied into the vault",
        "copied into the vault",
        "left where it is",
        "copied into the vault",
    ]
    assert path.read_text() == GIT
    assert "password=p@ss\n" in stored(here, "protocol=https\nhost=git.test\nusername=alice\n")
    other = "protocol=https\nhost=git.test\npath=with/path\n"
    assert "username=bob\npassword=other\n" in stored(here, other)
    assert imported(here, "--yes")[1].endswith(": in the vault already")


def test_what_was_copied_is_removed_when_asked(here: Machine) -> None:
    path = put(here, ".git-credentials", GIT)
    mix = put(here, ".hex/hex.config", MIX)

    lines = imported(here, "--yes", "--remove")

    assert path.read_text() == "no URL\n"
    assert mix.read_text() == MIX.replace("{'$read_key',<<\"" + KEY + '">>}.\n', "")
    gone = "  What is in the vault was removed from there."
    assert [lines[5], lines[-1], lines.count(gone)] == [gone, gone, 2]


def test_a_file_that_is_empty_then_goes(here: Machine) -> None:
    path = put(here, ".git-credentials", "https://alice:pw@git.test\n")

    imported(here, "--yes", "--remove")

    assert not path.exists()


def test_an_api_key_takes_the_place_of_a_login(here: Machine) -> None:
    put(here, ".hex/hex.config", MIX)

    lines = imported(here, "--yes")

    assert lines[:2] == ["mix: .hex/hex.config", "  an API key: copied into the vault"]
    assert here.token() == KEY


def test_an_api_key_does_not_push_a_login_aside(here: Machine) -> None:
    here.hexauth("login", "--no-browser")
    token = here.token()
    put(here, ".hex/hex.config", MIX)

    lines = imported(here, "--yes", "--remove")

    assert lines[1].endswith("left where it is: hexauth is logged in already")
    assert (here.token(), KEY in (here.home / ".hex/hex.config").read_text()) == (token, True)


def test_another_password_in_the_vault_is_not_pushed_aside(here: Machine) -> None:
    request = "protocol=https\nhost=git.test\nusername=alice\n"
    here.hexauth("store", give=f"{request}password=newer\n".encode())
    path = put(here, ".git-credentials", "https://alice:older@git.test\n")

    lines = imported(here, "--yes", "--remove")

    assert lines[1].endswith("left where it is: the vault has another one for that")
    assert "password=newer\n" in stored(here, request)
    assert path.exists()


def test_mix_s_file_is_found_wherever_mix_puts_it(here: Machine) -> None:
    put(here, "elsewhere/hex.config", MIX)
    put(here, "xdg/hex/hex.config", MIX)
    here.environ |= {
        "HEX_HOME": str(here.home / "elsewhere"),
        "XDG_CONFIG_HOME": str(here.home / "xdg"),
    }

    assert [line for line in imported(here) if line.startswith("mix: ")] == [
        "mix: elsewhere/hex.config",
        "mix: xdg/hex/hex.config",
    ]


@pytest.mark.parametrize("content", ["[{:api_key, 1}]", "\0", "{'$read_key',7}.\n", "nonsense."])
def test_a_file_that_makes_no_sense_is_noted_and_stays(here: Machine, content: str) -> None:
    path = put(here, ".hex/hex.config", content)
    put(here, ".git-credentials", "https://alice:pw@git.test\n")

    lines = imported(here, "--yes")

    assert any("copied into the vault" in line for line in lines)
    assert path.read_text() == content


def test_remove_needs_yes(here: Machine) -> None:
    done = here.hexauth("import", "--remove")

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)


def test_a_vault_that_cannot_be_used_loses_nothing(here: Machine) -> None:
    path = put(here, ".git-credentials", GIT)
    (here.home / "hexauth").mkdir()
    (here.home / "hexauth/vault").write_text("in the way")

    done = here.hexauth("import", "--yes", "--remove")

    assert (done.returncode, len(done.stderr.splitlines())) == (7, 2)
    assert path.read_text() == GIT


REPOS = """{'$repos',#{<<"hexpm">> => #{auth_key => undefined},
  <<"hexpm:acme">> => #{auth_key => <<"0123456789abcdef0123456789abcdef">>},
  <<"mine">> => #{auth_key => <<"fedcba9876543210fedcba9876543210">>}}}.
"""


def test_keys_of_repositories_are_copied(here: Machine) -> None:
    """One of a repository that config.toml does not know stays."""
    put(here, ".hex/hex.config", REPOS)
    config = put(here, "hexauth/config.toml", "")
    config.parent.chmod(0o700)

    assert imported(here, "--yes")[1:] == [
        "  the auth_key of the repository hexpm:acme: copied into the vault",
        "  the auth_key of the repository mine: left where it is: config.toml does not know mine",
    ]
    config.write_text('[repositories.mine]\nurl = "https://mine.test"\n')
    assert imported(here, "--yes")[2].endswith("copied into the vault")
    assert imported(here, "--yes", "--remove")[1:] == [
        "  the auth_key of the repository hexpm:acme: in the vault already",
        "    remove it there by hand",
        "  the auth_key of the repository mine: in the vault already",
        "    remove it there by hand",
    ]
    done = here.hexauth("get", "https://mine.test/tarballs", "--format", "header")
    assert done.stdout == b"Authorization: fedcba9876543210fedcba9876543210\n"


def test_programs_are_told_what_became_of_each(here: Machine) -> None:
    put(here, ".git-credentials", GIT)
    put(here, ".hex/hex.config", REPOS)

    def told(*words: str) -> list[tuple[str, str, bool | None]]:
        done = here.hexauth("import", "--json", *words)
        assert not any(secret in done.stdout for secret in (b"p@ss", b"p%40ss", KEY.encode()))
        return [
            (each["program"], each["fate"], each["removed"]) for each in json.loads(done.stdout)
        ]

    assert told()[:4] == [
        ("git", fate, None) for fate in ("copyable", "copyable", "left", "copyable")
    ]
    assert told("--yes", "--remove") == [
        ("git", "copied", True),
        ("git", "copied", True),
        ("git", "left", None),
        ("git", "copied", True),
        ("mix", "copied", False),
        ("mix", "left", None),
    ]
    (first, *_) = json.loads(here.hexauth("import", "--json").stdout)
    assert first == {
        "program": "git",
        "path": f"{here.home}/.git-credentials",
        "what": "a line that git-credential-store would not understand",
        "fate": "left",
        "why": None,
        "removed": None,
    }
