"""Which vault is in use, and that none is ever swapped for another in silence."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hexauth.credentials import stored
from hexauth.errors import VaultError
from hexauth.model import Target
from hexauth.vault.choice import Choice, choose
from hexauth.vault.drawers import Stored
from hexauth.vault.home import Home
from hexauth.world.settings import Settings, load
from tests.homes import home
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


def here(folder: Path, environ: Mapping[str, str], vault: str = "auto") -> Home:
    """Return the home in `folder`, as a new process would see it."""
    return home(folder, {"HOME": str(folder), "HEXAUTH_VAULT": vault, **environ})


def secret(of: Home, target: Target) -> str | None:
    found = stored.find(of, target)
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
    there = here(tmp_path, environ)

    assert choose(there.settings, there.environ, entries, "entry") == choice


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
    settings = load(dict.fromkeys(environ, name), file, dict.fromkeys(flags, name))
    other = {"file": "keyring", "keyring": "file"}[name]
    entries = {"entry": {"vault": other}, "auto": {"vault": other}}

    assert choose(settings, WITHOUT_KEYRING, entries, "entry") == Choice(name, why)


def test_choosing_and_opening_creates_nothing(tmp_path: Path) -> None:
    there = here(tmp_path, WITHOUT_KEYRING)
    there.vaults.of("entry")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "keyring"])
def test_vault_that_is_opened_is_the_one_that_was_named(tmp_path: Path, name: str) -> None:
    assert here(tmp_path, WITH_KEYRING, name).vaults.of("entry").name == name


def test_what_went_into_the_file_stays_there_when_a_keyring_appears(tmp_path: Path) -> None:
    """As under ssh first and on the desktop later; what is new goes there too."""
    stored.store(here(tmp_path, WITHOUT_KEYRING), ONE, SECRET)
    later = here(tmp_path, WITH_KEYRING)
    stored.store(later, TWO, SECRET)

    assert [secret(later, ONE), secret(later, TWO), later.vaults.choice("new").name] == [
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

    assert here(tmp_path, WITH_KEYRING).vaults.choice("entry").name == "keyring"


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


def settings(**environ: str) -> Settings:
    return load({f"HEXAUTH_{name}": value for name, value in environ.items()}, Path("/nonexistent"))
