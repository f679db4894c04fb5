import os
from pathlib import Path

import pytest

from hexauth.doctor.case import Case, exposed, is_changeable, unmakable
from hexauth.hot import Front


def test_a_folder_that_is_ours_alone_is_not_exposed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    assert exposed(tmp_path) == ""
    assert exposed(tmp_path / "gone") == ""


@pytest.mark.parametrize(("mode", "is_grave"), [(0o750, False), (0o705, False), (0o770, True)])
def test_a_folder_that_others_can_enter_is_exposed(
    tmp_path: Path, mode: int, is_grave: bool
) -> None:
    tmp_path.chmod(mode)

    assert f"is open to other users (mode {mode:04o})" in exposed(tmp_path)
    assert is_changeable(tmp_path) is is_grave


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_exposed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 65534, 65534)

    assert "belongs to another user (uid 65534)" in exposed(tmp_path / "theirs")
    assert is_changeable(tmp_path / "theirs")


def test_a_folder_can_be_made_where_one_may_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "a/b"

    assert unmakable(folder) == ""
    assert unmakable(folder, lambda path, mode: False) == f"{tmp_path} cannot be written to"
    assert unmakable(tmp_path / "file/b") == f"{tmp_path}/file is no folder"


def test_settings_that_make_no_sense_send_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEXAUTH_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text("nonsense")

    case = Case.admit(tmp_path, Front(), {})

    assert case.fault is not None
    assert case.settings.offline
