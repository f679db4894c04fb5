from pathlib import Path

import pytest

from hexauth.errors import VaultError
from hexauth.machine.files import write_private
from hexauth.machine.private import private_folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "the.lock"


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "state"

    with pytest.raises(VaultError, match=f"The folder {folder} cannot be made"):
        private_folder(folder)


def test_private_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, b"old")
    with pytest.raises(TypeError):
        write_private(path, "a text")  # type: ignore[arg-type]  # which fails after the file is made

    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {"file": "old"}
