"""The passphrase of the file vault, whichever way it is given."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hexauth.credentials import stored
from hexauth.errors import VaultError
from hexauth.model import Target
from hexauth.vault.drawers import Stored
from hexauth.vault.home import Home
from hexauth.vault.passphrase import passphrase_source
from hexauth.world.settings import Settings, load
from tests.homes import home

ONE, TWO = Target("https", "one.test"), Target("https", "two.test")

SECRET = Stored(None, "alice", "secret")


def here(folder: Path, environ: Mapping[str, str], vault: str = "auto") -> Home:
    """Return the home in `folder`, as a new process would see it."""
    return home(folder, {"HOME": str(folder), "HEXAUTH_VAULT": vault, **environ})


def secret(of: Home, target: Target) -> str | None:
    found = stored.find(of, target)
    return found.secret if found else None


def sources(folder: Path, passphrase: str) -> list[dict[str, str]]:
    """Return the three ways of giving a passphrase, as environments."""
    file = folder / f"{passphrase}.txt"
    file.write_text(f"{passphrase}\n")
    return [
        {"HEXAUTH_PASSPHRASE": passphrase},
        {"HEXAUTH_PASSPHRASE_FILE": str(file)},
        {"HEXAUTH_PASSPHRASE_COMMAND": f"printf '{passphrase}\\n'"},
    ]


def settings(**environ: str) -> Settings:
    return load({f"HEXAUTH_{name}": value for name, value in environ.items()}, Path("/nonexistent"))


def passphrase(**environ: str) -> bytes | None:
    return passphrase_source(settings(**environ), {"PATH": "/usr/bin:/bin", "NAME": "here"})()


def test_passphrase_opens_the_file_whichever_way_it_is_given(tmp_path: Path) -> None:
    first, *others = sources(tmp_path, "open sesame")
    stored.store(here(tmp_path, first, "file"), ONE, SECRET)

    assert [secret(here(tmp_path, each, "file"), ONE) for each in others] == ["secret", "secret"]


def test_wrong_passphrase_is_an_error_whichever_way_it_is_given(tmp_path: Path) -> None:
    stored.store(here(tmp_path, {"HEXAUTH_PASSPHRASE": "right"}, "file"), ONE, SECRET)

    for each in sources(tmp_path, "wrong"):
        with pytest.raises(VaultError, match="passphrase does not open"):
            stored.find(here(tmp_path, each, "file"), ONE)


def test_passphrase_is_not_asked_for_before_it_is_needed(tmp_path: Path) -> None:
    """The command may ask a person."""
    asked = tmp_path / "asked"
    there = here(tmp_path, {"HEXAUTH_PASSPHRASE_COMMAND": f"tee {asked}"}, "file")
    there.vaults.of("entry").read("entry")

    assert not asked.exists()


def test_passphrase_command_cannot_eat_the_request_of_git() -> None:
    """Standard input holds the description of a credential: a command that reads gets nothing."""
    code = f"from {__name__} import passphrase; passphrase(PASSPHRASE_COMMAND='head -c 1')"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        _, said = process.communicate(b"protocol=https\n", timeout=30)

    assert b"The passphrase command gives an empty passphrase." in said


def test_passphrase_is_none_where_nothing_is_set() -> None:
    assert passphrase() is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"pass", b"pass"),
        (b"pass\nmore\n", b"pass"),
        (b"pass\r\n", b"pass"),
        (b" pass \n", b" pass "),
        (b"p\xff\x0bs\n", b"p\xff\x0bs"),
    ],
)
def test_passphrase_is_the_first_line_of_its_file(
    tmp_path: Path, content: bytes, found: bytes
) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)

    assert passphrase(PASSPHRASE_FILE=str(file)) == found


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"PASSPHRASE": "pässword"}, b"p\xc3\xa4ssword"),
        ({"PASSPHRASE_COMMAND": "printf 'pass word\\nmore'"}, b"pass word"),
        ({"PASSPHRASE_COMMAND": "printenv NAME"}, b"here"),
        ({"PASSPHRASE_COMMAND": "echo $NAME;"}, b"$NAME;"),
        ({"PASSPHRASE": "one", "PASSPHRASE_FILE": "/nonexistent"}, b"one"),
        (
            {"PASSPHRASE_FILE": __file__, "PASSPHRASE_COMMAND": "false"},
            b'"""The passphrase of the file vault',
        ),
    ],
)
def test_passphrase_comes_from_the_first_source_that_is_set(
    environ: dict[str, str], found: bytes
) -> None:
    """The command gets the environment, and no shell."""
    assert (passphrase(**environ) or b"").split(b",")[0] == found


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PASSPHRASE_FILE", "/nonexistent/S", "cannot be read: No such file or directory."),
        ("PASSPHRASE_FILE", "/", "cannot be read: Is a directory."),
        ("PASSPHRASE_FILE", "~nobody-of-that-name/S", "cannot be read: nobody has such a home."),
        ("PASSPHRASE_FILE", "/dev/null", "cannot be read: it is neither a file nor a pipe."),
        ("PASSPHRASE_COMMAND", "no-such-program S3CRET", "The passphrase command is not there."),
        ("PASSPHRASE_COMMAND", "./S3CRET", "The passphrase command is not there."),
        ("PASSPHRASE_COMMAND", " ", "The passphrase command is not there."),
        ("PASSPHRASE_COMMAND", "/ S3CRET", "The passphrase command failed."),
        ("PASSPHRASE_COMMAND", "echo 'S3CRET", "The passphrase command failed."),
        ("PASSPHRASE_COMMAND", "sh -c 'echo S3CRET; exit 1'", "The passphrase command failed."),
        ("PASSPHRASE_COMMAND", "true", "The passphrase command gives an empty passphrase."),
        ("PASSPHRASE_COMMAND", "cat", "The passphrase command gives an empty passphrase."),
        ("PASSPHRASE_COMMAND", "printf '\\nS3CRET'", "gives an empty passphrase."),
    ],
)
def test_passphrase_that_cannot_be_had_is_an_error_and_not_quoted(
    name: str, value: str, words: str
) -> None:
    """A file kept plain for want of a passphrase would be a surprise."""
    with pytest.raises(VaultError) as caught:
        passphrase(**{name: value})

    assert (words in str(caught.value), "S3CRET" in str(caught.value)) == (True, False)


def test_pipe_may_take_its_time(tmp_path: Path) -> None:
    """Shells make one of `<(command)`."""
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    with subprocess.Popen(["sh", "-c", 'sleep 0.2; echo S3CRET > "$0"', path]):
        found = passphrase(PASSPHRASE_FILE=str(path))

    assert found == b"S3CRET"


def test_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    environ = {"HEXAUTH_PASSPHRASE_FILE": str(path)}
    ask = passphrase_source(load(environ, tmp_path / "none"), environ, seconds=0.1)

    with pytest.raises(VaultError, match=r"pipe cannot be read: nobody has written to it"):
        ask()
