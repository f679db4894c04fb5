"""What an installer gets: programs that import nothing an answer does not need."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent

PROGRAMS = ["docker-credential-hexauth", "git-credential-hexauth", "hexauth", "hexauth-bazel"]


def build(folder: Path, platform: str = "") -> Path:
    """Return a wheel, built for `platform` or for this one."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "HEXAUTH_WHEEL": platform},
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def libraries(*first: Path) -> str:
    """Return what has Click and the like, and no second hexauth, behind the folders `first`."""
    return os.pathsep.join([*map(str, first), sysconfig.get_path("purelib")])


def text(wheel: Path, ending: str) -> str:
    """Return what the file of `wheel` whose name has this `ending` holds; nothing if none has."""
    with ZipFile(wheel) as archive:
        found = [name for name in archive.namelist() if name.endswith(ending)]
        return archive.read(found[0]).decode() if found else ""


def test_programs_are_scripts_that_are_installed_as_they_are(tmp_path: Path) -> None:
    wheel = build(tmp_path)

    assert wheel.name.endswith("-py3-none-any.whl")
    assert text(wheel, "entry_points.txt") == ""
    assert text(wheel, ".data/scripts/hexauth").splitlines() == [
        "#!python",
        *Path(ROOT, "bin/hexauth").read_text().splitlines()[1:],
    ]


@pytest.mark.parametrize(
    ("platform", "tag"), [("win-amd64", "py3-none-win_amd64"), ("entry-points", "py3-none-any")]
)
def test_programs_are_entry_points_where_scripts_do_not_work(
    tmp_path: Path, platform: str, tag: str
) -> None:
    wheel = build(tmp_path, platform)

    entries = text(wheel, "entry_points.txt")
    assert [line.split(" = ")[0] for line in entries.splitlines()[1:]] == PROGRAMS
    assert (tag in wheel.name, text(wheel, ".data/scripts/hexauth")) == (True, "")


@pytest.mark.parametrize("folder", ["plain", "with space"])
def test_pip_installs_programs_that_run(tmp_path: Path, folder: str) -> None:
    wheel = build(tmp_path, "entry-points" if " " in folder else "")
    place = tmp_path / folder
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin/python"
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]

    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)

    assert sorted(path.name for path in (place / "bin").glob("*hexauth*")) == PROGRAMS
    environ = {"PYTHONPATH": libraries()}
    done = subprocess.run(
        [place / "bin/hexauth", "--version"], env=environ, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"hexauth ")


def test_completions_are_in_the_package_and_their_writers_are_not(tmp_path: Path) -> None:
    """`hexauth setup shell` copies a finished file, wherever the programs lie."""
    wheel = build(tmp_path)
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        names = archive.namelist()
    environ = {"HOME": str(tmp_path), "PYTHONPATH": libraries(tmp_path / "installed")}

    command = [sys.executable, "-m", "hexauth", "setup", "shell", "--shell", "fish"]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, check=False)

    written = tmp_path / ".config/fish/completions/hexauth.fish"
    assert (done.returncode, [name for name in names if "writers" in name or "manual" in name]) == (
        0,
        [],
    )
    assert written.read_bytes() == Path(ROOT, "completions/hexauth.fish").read_bytes()
    asked = [sys.executable, "-m", "hexauth", "help", "settings"]
    page = subprocess.run(asked, env=environ, cwd=tmp_path, capture_output=True, check=True)
    assert page.stdout.startswith(b"HEXAUTH-CONFIG(5)")


def test_manual_is_installed_where_man_looks(tmp_path: Path) -> None:
    with ZipFile(build(tmp_path)) as archive:
        names = [name.partition("/data/share/")[2] for name in archive.namelist()]

    assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob("man/man?/*")} == {
        name for name in names if name.startswith("man/")
    }
