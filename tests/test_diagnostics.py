"""Every error is in the manual, in the words that it is told in."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from hexauth.screen.page import plain, rendered
from tests.inside import Done, inside
from tests.provoked import CONFIG, NOTHING_HERE, ROWS, SERVED, Row
from writers.diagnostics import ALL, Diagnostic, disagreements

PAGE = Path(__file__).parent.parent / "man/man7/hexauth-diagnostics.7"


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """Hand out a port of loopback that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield str(taken.getsockname()[1])


def prepared(row: Row, home: Path) -> None:
    """Make the files of `row`: `-> NAME` is a link, `open` one that anybody can write to."""
    for name, content in row.files.items():
        path = home / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if content.startswith("-> "):
            path.symlink_to(content[3:])
            continue
        path.write_text("" if content == "open" else content)
        path.chmod(0o666 if content == "open" else 0o600)


def provoke(row: Row, home: Path, port: str = "", url: str = NOTHING_HERE) -> Done:
    """Do what provokes the error."""
    prepared(row, home)
    here = {
        "HOME": str(home), "PATH": "/usr/bin:/bin", "CI": "1", "HEXAUTH_VAULT": "file",
        "HEXAUTH_HOME": str(home / "hexauth"), "HEX_API_URL": url, "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    changes = {name: value.format(home=home) for name, value in row.environ.items()}
    words = [word.replace("{home}", str(home)).replace("{port}", port) for word in row.words]
    return inside(*words, environ=here | changes, give=row.give, door=row.door, closed=row.closed)


def known(message: str) -> Diagnostic:
    """Return what the manual knows of a message; it is there."""
    return next(each for each in ALL if each.message == message)


def told(row: Row, done: Done) -> tuple[str, str]:
    """Return what happened and what to do, as the caller at that door is told."""
    if row.door == "docker":
        assert done.err == ""
        return done.out.removesuffix("\n"), ""
    if row.door == "bazel":
        line = done.err.removeprefix("hexauth: ").removesuffix("\n")
        what, _, hint = line.partition(". ")
        return f"{what}.", hint
    lines = done.err.splitlines()[-2:]
    assert [line[:9] for line in lines] == ["hexauth: "] * 2, done.err
    return lines[0][9:], lines[1][9:]


def check(row: Row, done: Done) -> None:
    """Compare what was told with what the manual has."""
    entry = known(row.message)
    message, hint = told(row, done)
    assert (done.code, entry.fits(message, hint)) == (row.code, True), (message, hint, entry)
    usual = row.door in ("docker", "bazel") or entry.exit_code == row.code
    assert usual, (entry.exit_code, row.code)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.door} {' '.join(row.words)}")
def test_error_is_told_in_two_lines_that_the_manual_has(
    row: Row, tmp_path: Path, port: str
) -> None:
    check(row, provoke(row, tmp_path, port))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Hand out the address of the API of a server that denies every login."""
    with Sandbox(Options(interval=0.1, deny_after=0, rate_limit=None)) as sandbox:
        yield sandbox.api_url


@pytest.mark.parametrize("row", SERVED, ids=lambda row: " ".join(row.words))
def test_error_of_a_server_s_is_in_the_manual(row: Row, tmp_path: Path, server: str) -> None:
    check(row, provoke(row, tmp_path, url=server))


def test_explanations_are_of_all_messages_and_of_no_others() -> None:
    assert disagreements() == []


def test_every_value_that_differs_has_a_name() -> None:
    odd = [each.message for each in ALL if "<" in each.message + each.hint.replace("< FILE", "")]
    assert odd == []


def test_manual_has_every_message_hint_and_explanation() -> None:
    source = PAGE.read_text("utf-8")
    lines = {plain(line) for line in source.splitlines()}
    words = " ".join(" ".join(rendered(source, 100)).split())

    missing = [each.message for each in ALL if each.message not in lines]
    missing += [each.hint for each in ALL if " ".join(each.hint.split()) not in words]
    missing += [each.message for each in ALL if each.explanation.replace("`", "") not in words]

    assert missing == []


def test_most_errors_are_provoked() -> None:
    """Sixty at the least; the rest takes a broken disk, a broken server, or a race."""
    assert len({row.message for row in (*ROWS, *SERVED)}) >= 100


@pytest.mark.parametrize(
    ("words", "environ", "meant"),
    [
        (["stauts"], {}, "status"),
        (["key", "rmove"], {}, "remove"),
        (["get", "--fromat", "json"], {}, "--format"),
        (["get", "--format", "jsn"], {}, "json"),
        (["get", "hexmp"], {}, "hexpm"),
        (["get", "mien"], {}, "mine"),
        (["setup", "dokcer"], {}, "docker"),
        (["proxy", "--address", "127.0.0.2"], {}, "127.0.0.1"),
        (["exec", "--env", "X=tokn", "hexpm", "--", "true"], {}, "token"),
        (["config"], {"HEXAUTH_VAULT": "keyrign"}, "keyring"),
        (["help", "kye add"], {}, "key add"),
        (["sandbox", "--fault", "hagn"], {}, "hang"),
    ],
)
def test_what_was_mistyped_is_guessed(
    words: list[str], environ: dict[str, str], meant: str, tmp_path: Path
) -> None:
    toml = "[repositories.mine]\nurl = 'https://hex.example/repo'"
    row = Row("", tuple(words), files={CONFIG: toml}, environ=environ)

    assert f"hexauth: Did you mean {meant}? " in provoke(row, tmp_path).err


@pytest.mark.parametrize("typed", ["acme", "hexpm:acm", "hexmp:acme"])
def test_repository_that_has_a_key_is_guessed(typed: str, tmp_path: Path) -> None:
    row = Row("", ("key", "add", "--no-verify", "hexpm:acme"), give=b"0123456789abcdef")
    assert provoke(row, tmp_path).code == 0

    done = provoke(Row("", ("get", "--format", "json", typed)), tmp_path)

    is_known = typed.startswith("hexpm:")  # any organization may be there
    assert ("Did you mean hexpm:acme? " in done.err) is not is_known


def test_what_is_like_nothing_is_not_guessed(tmp_path: Path) -> None:
    done = provoke(Row("", ("qqqq",)), tmp_path)

    assert "Did you mean" not in done.err


@pytest.mark.parametrize(
    ("environ", "words", "why"),
    [
        ({}, [], "$CI is set"),
        ({"CI": "", "HEXAUTH_NO_LOGIN": "yes"}, [], "$HEXAUTH_NO_LOGIN is set"),
        ({"CI": "", "GIT_TERMINAL_PROMPT": "0"}, [], "git is told not to"),
        ({}, ["--no-login"], "this run was told to ask nobody"),
    ],
)
def test_why_nobody_was_asked_is_said_and_which_variable_helps(
    environ: dict[str, str], words: list[str], why: str, tmp_path: Path
) -> None:
    done = provoke(Row("", ("get", "hexpm", *words), environ=environ), tmp_path)

    assert (done.code, done.err.splitlines()) == (
        3,
        [
            f"hexauth: There is no login at {NOTHING_HERE}, and nobody was asked: {why}.",
            "hexauth: Run `hexauth login` in a terminal. "
            "Where nobody can, set HEX_API_KEY to a key, or HEX_REPOS_KEY for packages.",
        ],
    )


def test_setting_in_the_file_is_the_reason_why_nobody_was_asked(tmp_path: Path) -> None:
    row = Row("", ("get", "hexpm"), files={CONFIG: "no_login = true"})

    assert "nobody was asked: no_login in config.toml is set." in provoke(row, tmp_path).err
