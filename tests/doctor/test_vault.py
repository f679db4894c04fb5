from collections.abc import Mapping
from pathlib import Path

import pytest

from hexauth.doctor.examination import Check, examine
from hexauth.doctor.vault import look
from hexauth.vault.file import FileVault
from hexauth.vault.quick import BUS
from tests.doctor.patients import levels, patient, texts
from tests.secret_service import Start, items, lock

AUTO = {"HEXAUTH_VAULT": "auto"}


@pytest.fixture
def kept(tmp_path: Path) -> FileVault:
    """Return the file vault, in which something is kept."""
    vault = FileVault(tmp_path / ".local/state/hexauth/vault")
    vault.write("entry", "value")
    return vault


def test_a_plain_file_is_a_warning_and_works(tmp_path: Path, kept: FileVault) -> None:
    before = kept.path.read_bytes()
    case = patient(tmp_path)

    assert levels(look, case) == {"file": "ok", "protection": "warning", "tried": "ok"}
    assert "set HEXAUTH_PASSPHRASE_FILE" in texts(look, case)["protection"].replace("Set", "set")
    assert texts(look, case)["tried"].startswith("It was written to and read back in 0.")
    assert kept.path.read_bytes() == before


def test_an_encrypted_file_is_fine(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("P4SS\n")
    (tmp_path / "words").chmod(0o600)
    environ = {"HEXAUTH_PASSPHRASE_FILE": str(tmp_path / "words")}
    FileVault(tmp_path / ".local/state/hexauth/vault", passphrase=lambda: b"P4SS").write("a", "b")
    case = patient(tmp_path, environ)

    assert set(levels(look, case).values()) == {"ok"}
    assert texts(look, case)["passphrase"].endswith("words ($HEXAUTH_PASSPHRASE_FILE).")


def test_an_encrypted_file_without_its_passphrase_is_a_problem(tmp_path: Path) -> None:
    FileVault(tmp_path / ".local/state/hexauth/vault", passphrase=lambda: b"P4SS").write("a", "b")

    assert levels(look, patient(tmp_path))["tried"] == "problem"


def test_a_file_that_is_yet_to_be_encrypted_is_a_warning(tmp_path: Path, kept: FileVault) -> None:
    case = patient(tmp_path, {"HEXAUTH_PASSPHRASE": "P4SS"})

    assert levels(look, case)["protection"] == "warning"
    assert "encrypts it" in texts(look, case)["protection"]
    assert kept.is_encrypted() is False


@pytest.mark.parametrize(("mode", "level"), [(0o644, "warning"), (None, "problem")])
def test_a_passphrase_file_that_others_can_read_or_that_is_gone_is_told(
    tmp_path: Path, mode: int | None, level: str
) -> None:
    if mode is not None:
        (tmp_path / "words").touch()
        (tmp_path / "words").chmod(mode)
    case = patient(tmp_path, {"HEXAUTH_PASSPHRASE_FILE": str(tmp_path / "words")})

    assert levels(look, case)["passphrase"] == level


def test_a_command_that_may_ask_for_a_passphrase_is_not_run(
    tmp_path: Path, kept: FileVault
) -> None:
    environ = {"HEXAUTH_PASSPHRASE_COMMAND": f"/usr/bin/touch {tmp_path}/asked"}
    case = patient(tmp_path, environ)

    assert levels(look, case)["tried"] == "warning"
    assert "may ask somebody" in texts(look, case)["tried"]
    assert texts(look, case)["passphrase"] == "It comes from $HEXAUTH_PASSPHRASE_COMMAND."
    assert not (tmp_path / "asked").exists()


def test_a_damaged_file_is_a_problem(tmp_path: Path, kept: FileVault) -> None:
    kept.path.write_text("no JSON")
    case = patient(tmp_path)

    assert levels(look, case) == {"file": "ok", "tried": "problem"}
    assert "is damaged" in texts(look, case)["tried"]


@pytest.mark.parametrize(("mode", "level"), [(0o755, "warning"), (0o777, "problem")])
def test_a_folder_that_is_open_to_others_is_told_and_stays_as_it_is(
    tmp_path: Path, kept: FileVault, mode: int, level: str
) -> None:
    kept.path.parent.chmod(mode)

    assert levels(look, patient(tmp_path))["tried"] == level
    assert kept.path.parent.stat().st_mode & 0o777 == mode


def test_a_vault_that_is_not_there_yet_is_fine_and_is_not_made(tmp_path: Path) -> None:
    case = patient(tmp_path)

    assert levels(look, case) == {"file": "ok", "protection": "ok"}
    assert "it will be plain text" in texts(look, case)["protection"]
    assert list(tmp_path.iterdir()) == []


def test_a_vault_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".local").touch()

    (section,) = examine(patient(tmp_path), [Check("vault", look)])

    assert section.findings[-1].level == "problem"


def test_an_unlocked_keyring_is_tried_and_nothing_is_left(
    tmp_path: Path, unlocked: Mapping[str, str]
) -> None:
    before = items(unlocked[BUS])
    case = patient(tmp_path, {**AUTO, BUS: unlocked[BUS]})

    assert levels(look, case) == {"keyring": "ok", "tried": "ok"}
    assert "the Secret Service" in texts(look, case)["tried"]
    assert "an OS keyring answers here" in texts(look, case)["keyring"]
    assert items(unlocked[BUS]) == before
    assert list(tmp_path.iterdir()) == []


def test_a_keyring_that_would_ask_is_not_tried(tmp_path: Path, secret_service: Start) -> None:
    with secret_service("password") as (environ, _):
        lock(environ[BUS])
        locked = texts(look, patient(tmp_path, {**AUTO, BUS: environ[BUS]}))
    with secret_service(None) as (environ, _):
        new = patient(tmp_path, {**AUTO, BUS: environ[BUS]})
        assert levels(look, new)["tried"] == "warning"
        never = texts(look, new)

    assert "it is locked, and would ask to be unlocked" in locked["tried"]
    assert "it has never been set up" in never["tried"]


def test_what_lies_in_the_other_vault_is_a_warning(
    tmp_path: Path, unlocked: Mapping[str, str], kept: FileVault
) -> None:
    case = patient(tmp_path, {"HEXAUTH_VAULT": "keyring", BUS: unlocked[BUS]})
    case.vaults._index.put("login/a", {"server": "https://a.test/api", "vault": "file"})
    case.vaults._index.put("drawer/b", {"host": "b.test", "vault": "file"})

    assert levels(look, case)["left in file"] == "warning"
    assert "https://a.test/api, b.test" in texts(look, case)["left in file"]


def test_without_a_keyring_it_is_told_why(tmp_path: Path) -> None:
    case = patient(tmp_path, {**AUTO, BUS: "unix:path=/nowhere"})

    assert "no OS keyring: the D-Bus session does not answer" in texts(look, case)["file"]
