import os
from pathlib import Path

from hexauth.doctor import programs
from tests.doctor.patients import levels, patient, texts


def installed(folder: Path) -> Path:
    """Make a folder with the programs of an installation."""
    folder.mkdir()
    for name in programs.NAMES:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def test_programs_of_this_installation_are_fine(tmp_path: Path) -> None:
    own = installed(tmp_path / "own")

    found = levels(programs.look, patient(tmp_path, {"PATH": str(own)}, programs=own))

    assert found == dict.fromkeys(programs.NAMES, "ok")


def test_links_to_this_installation_are_fine(tmp_path: Path) -> None:
    own, links = installed(tmp_path / "own"), tmp_path / "bin"
    links.mkdir()
    for name in programs.NAMES:
        (links / name).symlink_to(own / name)

    found = levels(programs.look, patient(tmp_path, {"PATH": str(links)}, programs=own))

    assert set(found.values()) == {"ok"}


def test_another_installation_that_comes_first_is_a_warning(tmp_path: Path) -> None:
    own, other = installed(tmp_path / "own"), installed(tmp_path / "other")
    case = patient(tmp_path, {"PATH": f"{other}{os.pathsep}{own}"}, programs=own)

    assert levels(programs.look, case) == dict.fromkeys(programs.NAMES, "warning")
    assert texts(programs.look, case)["hexauth"] == (
        f"{other}/hexauth comes first in PATH; it is of another installation than {own}/hexauth. "
        f"Remove that one, or put {own} before it in PATH."
    )


def test_programs_that_no_path_leads_to_are_a_warning(tmp_path: Path) -> None:
    own = installed(tmp_path / "own")
    case = patient(tmp_path, {"PATH": str(tmp_path)}, programs=own)

    assert levels(programs.look, case) == dict.fromkeys(programs.NAMES, "warning")
    assert texts(programs.look, case)["hexauth"] == f"It is not in PATH. Put {own} there."
