from pathlib import Path

import pytest

from hexauth.doctor import locks
from tests.doctor.patients import levels, patient, texts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = tmp_path / ".local/state/hexauth"
    state.mkdir(mode=0o700, parents=True)
    return state


def test_a_lock_is_tried_by_another_process_and_leaves_nothing(
    tmp_path: Path, folder: Path
) -> None:
    assert levels(locks.look, patient(tmp_path)) == dict.fromkeys(("space", "folder", "lock"), "ok")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("said", ["held", "free"])
def test_a_lock_that_does_not_hold_or_is_not_let_go_is_a_problem(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(locks, "OTHER", f"print({said!r})")
    case = patient(tmp_path)

    assert levels(locks.look, case)["lock"] == "problem"
    assert texts(locks.look, case)["lock"].startswith(
        f"Another process found it {said} when it was held, and {said} when it was not."
    )
    assert list(folder.iterdir()) == []


def test_another_process_that_cannot_look_is_a_problem(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "OTHER", "raise SystemExit")

    assert levels(locks.look, patient(tmp_path))["lock"] == "problem"


def test_what_lies_in_the_current_folder_is_not_run(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pathlib.py").write_text("open('ran', 'w').close()\n")
    monkeypatch.chdir(tmp_path)

    assert levels(locks.look, patient(tmp_path))["lock"] == "ok"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("mode", "level"), [(0o755, "warning"), (0o777, "problem")])
def test_a_folder_that_is_open_to_others_is_told_and_stays_as_it_is(
    tmp_path: Path, folder: Path, mode: int, level: str
) -> None:
    folder.chmod(mode)
    case = patient(tmp_path)

    assert levels(locks.look, case) == {"space": "ok", "folder": level}
    assert f"chmod 700 {folder}" in texts(locks.look, case)["folder"]
    assert folder.stat().st_mode & 0o777 == mode


def test_a_file_in_its_place_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/state").write_text("")
    case = patient(tmp_path)

    assert levels(locks.look, case) == {"folder": "problem"}
    assert f"{tmp_path}/.local/state is no folder" in texts(locks.look, case)["folder"]


def test_a_folder_that_is_not_there_is_fine_and_is_not_made(tmp_path: Path) -> None:
    assert levels(locks.look, patient(tmp_path)) == {"folder": "ok"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("free", "level"), [(10**9, "ok"), (10**7, "warning"), (10**5, "problem")])
def test_little_space_is_told(tmp_path: Path, free: int, level: str) -> None:
    assert locks.room(tmp_path, free).level == level


def test_the_network_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "lock_warning", lambda folder: ("It is on nfs.", "Move it."))

    assert texts(locks.look, patient(tmp_path))["file system"] == "It is on nfs. Move it."
