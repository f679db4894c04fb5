"""Which vault is in use, that none is ever swapped for another in silence, and its passphrase."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hexauth import config, stored, system
from hexauth.config import Settings
from hexauth.errors import VaultError
from hexauth.model import Target
from hexauth.vault.choose import Choice, choose, open_vault, passphrase_source
from hexauth.vault.drawers import Stored
from hexauth.world import World
from tests.vault.conftest import Memory

ONE, TWO = Target("https", "one.test"), Target("https", "two.test")

SECRET = Stored(None, "alice", "secret")

Index = Mapping[str, Mapping[str, str]]


class Keyring(Memory):
    """A keyring that `PYTHON_KEYRING_BACKEND` can name; all of its objects share their secrets."""

    priority = 1
    kept: dict[tuple[str, str], str] = {}  # noqa: RUF012  (shared on purpose)

    def __init__(self) -> None:
        super().__init__()
        self.secrets = self.kept


WITH_KEYRING = {"PYTHON_KEYRING_BACKEND": f"{__name__}.Keyring"}
WITHOUT_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}

NO_KEYRING = (
    "no OS keyring: PYTHON_KEYRING_BACKEND names keyring's null backend, which keeps nothing"
)


def here(folder: Path, environ: Mapping[str, str], vault: str = "auto") -> World:
    """Return a world below `folder`, as a new process would see it."""
    environ = {"HOME": str(folder), "HEXAUTH_HOME": str(folder), "HEXAUTH_VAULT": vault, **environ}
    places = system.places(environ)
    settings = config.load(environ, places.config)
    return World(environ, settings, places, system.Screen(lambda text: None, visible=False))


def secret(world: World, target: Target) -> str | None:
    found = stored.find(world, target)
    return found.secret if found else None


@pytest.mark.parametrize(
    ("environ", "entries", "choice"),
    [
        (WITH_KEYRING, {}, Choice("keyring", "an OS keyring answers here")),
        (WITHOUT_KEYRING, {}, Choice("file", NO_KEYRING)),
        (
            WITHOUT_KEYRING,
            {"entry": {"vault": "keyring"}, "auto": {"vault": "file"}},
            Choice("keyring", "this is where it was put when it was stored"),
        ),
        (
            WITH_KEYRING,
            {"entry": {"vault": "file"}},
            Choice("file", "this is where it was put when it was stored"),
        ),
        (
            WITH_KEYRING,
            {"auto": {"vault": "file"}, "other": {"vault": "keyring"}},
            Choice("file", "chosen when hexauth first kept something; --vault keyring changes it"),
        ),
        (
            WITHOUT_KEYRING,
            {"auto": {"vault": "keyring"}},
            Choice("keyring", "chosen when hexauth first kept something; --vault file changes it"),
        ),
        (
            WITH_KEYRING,
            {"entry": {"vault": "cloud"}, "auto": {}},
            Choice("keyring", "an OS keyring answers here"),
        ),
    ],
)
def test_auto_looks_where_the_entry_is_then_where_the_first_went_then_for_a_keyring(
    tmp_path: Path, environ: Mapping[str, str], entries: Index, choice: Choice
) -> None:
    world = here(tmp_path, environ)

    assert choose(world.settings, world.environ, entries, "entry") == choice


@pytest.mark.parametrize("name", ["file", "keyring"])
@pytest.mark.parametrize(
    ("environ", "flags", "written", "why"),
    [
        (["HEXAUTH_VAULT"], [], "", "set by $HEXAUTH_VAULT"),
        ([], ["vault"], "", "set by --vault"),
        ([], [], "vault = '{}'", "set by config.toml"),
    ],
)
def test_vault_that_was_named_is_taken_whatever_the_index_says(
    tmp_path: Path, name: str, environ: list[str], flags: list[str], written: str, why: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(written.format(name))
    settings = config.load(dict.fromkeys(environ, name), file, dict.fromkeys(flags, name))
    other = {"file": "keyring", "keyring": "file"}[name]
    entries = {"entry": {"vault": other}, "auto": {"vault": other}}

    assert choose(settings, WITHOUT_KEYRING, entries, "entry") == Choice(name, why)


def test_choosing_and_opening_creates_nothing(tmp_path: Path) -> None:
    world = here(tmp_path, WITHOUT_KEYRING)
    world.vault("entry")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "keyring"])
def test_vault_that_is_opened_is_the_one_that_was_named(tmp_path: Path, name: str) -> None:
    assert here(tmp_path, WITH_KEYRING, name).vault("entry").name == name


def test_what_went_into_the_file_stays_there_when_a_keyring_appears(tmp_path: Path) -> None:
    """As under ssh first and on the desktop later; what is new goes there too."""
    stored.store(here(tmp_path, WITHOUT_KEYRING), ONE, SECRET)
    later = here(tmp_path, WITH_KEYRING)
    stored.store(later, TWO, SECRET)

    assert [secret(later, ONE), secret(later, TWO), later.choice("new").name] == [
        "secret",
        "secret",
        "file",
    ]


def test_each_entry_is_looked_for_where_it_was_put(tmp_path: Path) -> None:
    stored.store(here(tmp_path, WITH_KEYRING, "file"), ONE, SECRET)
    stored.store(here(tmp_path, WITH_KEYRING, "keyring"), TWO, SECRET)

    found = {
        vault: [secret(here(tmp_path, WITH_KEYRING, vault), target) for target in (ONE, TWO)]
        for vault in ("auto", "file", "keyring")
    }

    assert found == {
        "auto": ["secret", "secret"],
        "file": ["secret", None],
        "keyring": [None, "secret"],
    }


def test_choice_is_free_again_when_nothing_is_kept(tmp_path: Path) -> None:
    first = here(tmp_path, WITHOUT_KEYRING)
    stored.store(first, ONE, SECRET)
    stored.erase(first, ONE, None)

    assert here(tmp_path, WITH_KEYRING).choice("entry").name == "keyring"


@pytest.mark.parametrize("vault", ["auto", "keyring"])
def test_keyring_that_is_gone_is_an_error_and_not_an_empty_file(tmp_path: Path, vault: str) -> None:
    """Its secrets are still there; a second copy in a file would be a surprise."""
    stored.store(here(tmp_path, WITH_KEYRING), ONE, SECRET)
    later = here(tmp_path, WITHOUT_KEYRING, vault)
    works: list[Callable[[], object]] = [
        lambda: stored.find(later, ONE),
        lambda: stored.store(later, ONE, SECRET),
        lambda: stored.store(later, TWO, SECRET),
        lambda: stored.erase(later, ONE, None),
    ]
    for work in works:
        with pytest.raises(VaultError, match="null backend"):
            work()

    assert (secret(here(tmp_path, WITH_KEYRING), ONE), (tmp_path / "vault").exists()) == (
        "secret",
        False,
    )


def test_file_that_is_damaged_is_an_error_and_not_an_empty_keyring(tmp_path: Path) -> None:
    stored.store(here(tmp_path, WITHOUT_KEYRING), ONE, SECRET)
    (tmp_path / "vault" / "vault.json").write_text("{}")

    with pytest.raises(VaultError):
        stored.store(here(tmp_path, WITH_KEYRING), TWO, SECRET)


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
    return config.load(
        {f"HEXAUTH_{name}": value for name, value in environ.items()}, Path("/nonexistent")
    )


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
    world = here(tmp_path, {"HEXAUTH_PASSPHRASE_COMMAND": f"tee {asked}"}, "file")
    vault = open_vault("file", world.settings, world.places, world.environ)
    vault.read("entry")

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
        ({"PASSPHRASE_FILE": __file__, "PASSPHRASE_COMMAND": "false"}, b'"""Which vault is in use'),
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
        ("PASSPHRASE_FILE", "/dev/null", "The passphrase file gives an empty passphrase."),
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
