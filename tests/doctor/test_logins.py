import time
from pathlib import Path
from typing import Any

import pytest

from hexauth.doctor.case import Case
from hexauth.doctor.logins import look
from hexauth.errors import VaultError
from hexauth.login.record import WAITING, Record, write_record
from hexauth.login.tokens import Tokens
from hexauth.model import Kind, Token
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Serve
from tests.doctor.patients import levels, patient, texts
from tests.homes import log_in

DAY = 86400


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve()


def make(folder: Path, sandbox: Sandbox, **changes: Any) -> Case:
    return patient(folder, {"HEX_API_URL": sandbox.api_url}, **changes)


def test_a_login_is_told_with_its_user_and_its_end(tmp_path: Path, sandbox: Sandbox) -> None:
    log_in(make(tmp_path, sandbox), sandbox)
    case = make(tmp_path, sandbox)

    ((name, text),) = texts(look, case).items()

    assert name == f"alice at {sandbox.api_url}"
    assert text.startswith("Logged in as alice until 20")
    assert levels(look, case) == {name: "ok"}


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [(20, "ok", "until"), (28, "warning", "which is soon"), (31, "warning", "has ended")],
)
def test_the_end_of_a_session_is_told_before(
    tmp_path: Path, sandbox: Sandbox, days: int, level: str, words: str
) -> None:
    log_in(make(tmp_path, sandbox), sandbox)
    later = make(tmp_path, sandbox, now=lambda: time.time() + days * DAY)

    ((name, text),) = texts(look, later).items()

    assert levels(look, later) == {name: level}
    assert words in text
    assert level == "ok" or "hexauth login" in text


def test_nobody_who_is_logged_in_is_a_warning_and_nothing_is_made(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    case = make(tmp_path, sandbox)

    assert levels(look, case) == {sandbox.api_url: "warning"}
    assert texts(look, case)[sandbox.api_url] == (
        "Nobody is logged in. Run `hexauth login` in a terminal."
    )
    assert list(tmp_path.iterdir()) == []


def test_nobody_is_needed_where_a_key_is_given(tmp_path: Path, sandbox: Sandbox) -> None:
    case = patient(tmp_path, {"HEX_API_URL": sandbox.api_url, "HEX_API_KEY": "k"})

    assert levels(look, case) == {sandbox.api_url: "ok"}


def test_a_key_that_is_kept_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    case = make(tmp_path, sandbox)
    Tokens(case, case.settings.login).save(Token("k", kind=Kind.KEY))

    assert texts(look, case)[sandbox.api_url] == "An API key is kept, which has no expiry."


def test_a_token_that_is_in_memory_alone_is_a_warning(
    tmp_path: Path, sandbox: Sandbox, memory: str
) -> None:
    environ = {"HEX_API_URL": sandbox.api_url, "XDG_RUNTIME_DIR": memory}
    log_in(patient(tmp_path, environ), sandbox)
    vault = tmp_path / ".local/state/hexauth/vault"
    vault.rename(tmp_path / "away")
    vault.touch()  # nothing can be saved
    with pytest.raises(VaultError):
        log_in(patient(tmp_path, environ), sandbox)
    vault.unlink()
    (tmp_path / "away").rename(vault)
    case = patient(tmp_path, environ)

    assert list(levels(look, case).values()) == ["warning"]
    assert "in memory alone" in str(texts(look, case))


def test_a_login_under_way_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    case = make(tmp_path, sandbox)
    turn = Tokens(case, case.settings.login).login_turn
    write_record(turn, Record(state=WAITING, attempt=1, pid=4711))
    with turn.held(0):
        found = texts(look, case)

    assert found[f"login at {sandbox.api_url}"] == "Process 4711 is waiting for its approval."
    assert f"login at {sandbox.api_url}" not in texts(look, case)


def test_a_vault_that_cannot_be_read_is_a_problem(tmp_path: Path, sandbox: Sandbox) -> None:
    log_in(make(tmp_path, sandbox), sandbox)
    (tmp_path / ".local/state/hexauth/vault/vault.json").write_text("no JSON")

    assert list(levels(look, make(tmp_path, sandbox)).values()) == ["problem"]


def test_a_vault_that_would_ask_is_not_read(tmp_path: Path, sandbox: Sandbox) -> None:
    log_in(make(tmp_path, sandbox), sandbox)
    command = {"HEXAUTH_PASSPHRASE_COMMAND": f"/usr/bin/touch {tmp_path}/asked"}
    case = patient(tmp_path, {"HEX_API_URL": sandbox.api_url, **command})

    assert list(levels(look, case).values()) == ["warning"]
    assert not (tmp_path / "asked").exists()


def test_a_folder_of_locks_that_is_open_is_a_problem_and_stays_so(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    log_in(make(tmp_path, sandbox), sandbox)
    state = tmp_path / ".local/state/hexauth"
    state.chmod(0o755)

    assert list(levels(look, make(tmp_path, sandbox)).values()) == ["problem"]
    assert state.stat().st_mode & 0o777 == 0o755
