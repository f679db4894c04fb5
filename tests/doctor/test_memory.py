from pathlib import Path

import pytest

from hexauth.doctor.memory import look
from hexauth.memory.folder import memory_folder
from tests.doctor.patients import levels, patient, texts


def test_the_folder_is_the_one_that_a_get_takes_and_is_not_made(
    tmp_path: Path, memory: str
) -> None:
    case = patient(tmp_path, {"XDG_RUNTIME_DIR": memory})
    Path(memory).chmod(0o700)

    assert texts(look, case) == {
        "folder": f"{memory}/hexauth, which is still to be made, on a tmpfs."
    }
    assert list(Path(memory).iterdir()) == []
    assert memory_folder(case.environ) == f"{memory}/hexauth"
    assert texts(look, case) == {"folder": f"{memory}/hexauth, on a tmpfs."}


@pytest.mark.parametrize("fault", ["disk", "open", "gone"])
def test_a_folder_that_a_get_passes_over_is_passed_over(
    tmp_path: Path, memory: str, fault: str
) -> None:
    runtime = tmp_path if fault == "disk" else Path(memory)
    if fault == "open":
        (runtime / "hexauth").mkdir()
        (runtime / "hexauth").chmod(0o755)
    if fault == "gone":
        runtime /= "gone"
    case = patient(tmp_path, {"XDG_RUNTIME_DIR": str(runtime)})

    told = texts(look, case)["folder"].partition(",")[0]

    assert told == memory_folder(case.environ)


def test_a_machine_without_any_says_what_is_wrong_with_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, gone = str(tmp_path / "hexauth"), str(tmp_path / "gone/hexauth")
    monkeypatch.setattr("hexauth.hot.folders", lambda environ: [disk, gone])
    case = patient(tmp_path)

    assert levels(look, case) == {"folder": "warning"}
    text = texts(look, case)["folder"]
    assert f"{disk} is not in memory, but on a disk" in text
    assert f"{tmp_path}/gone: No such file or directory" in text


def test_a_memory_that_is_not_wanted_is_fine(tmp_path: Path) -> None:
    assert levels(look, patient(tmp_path, {"HEXAUTH_CACHE": "off"})) == {"folder": "ok"}


def test_platforms_without_such_memory_are_fine(tmp_path: Path) -> None:
    assert levels(look, patient(tmp_path, platform="darwin")) == {"folder": "ok"}
