"""What an installer gets: programs that import nothing an answer does not need."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

from hatch_build import platform

ROOT = Path(__file__).parent.parent

PROGRAMS = ["docker-credential-hexauth", "git-credential-hexauth", "hexauth", "hexauth-bazel"]


def build(folder: Path, kind: str = "") -> Path:
    """Return a wheel, built for a platform of this `kind` or for this one."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "HEXAUTH_WHEEL": kind},
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


def archives(folder: Path, mode: int, changed: int, zone: str) -> dict[str, bytes]:
    """Return what is built from a copy of this tree, with other modes, times, path and zone."""
    left_out = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "dist", "build")
    copy = folder / "tree"
    shutil.copytree(ROOT, copy, ignore=left_out)
    for path in copy.rglob("*"):
        path.chmod(path.stat().st_mode & mode)
        os.utime(path, (changed, changed))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder / "dist")],
        cwd=copy,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1800000000", "TZ": zone, "HEXAUTH_WHEEL": ""},
        umask=~mode & 0o777,
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in (folder / "dist").iterdir()}


def test_the_same_tree_gives_the_same_bytes_anywhere(tmp_path: Path) -> None:
    """The wheel and the source archive, whatever the umask, the times, the path and the zone."""
    one = archives(tmp_path / "one", 0o755, 1700000000, "UTC")
    other = archives(tmp_path / "another path", 0o700, 1600000001, "Pacific/Kiritimati")

    assert {name.rpartition(".")[2] for name in one} == {"gz", "whl"}
    assert [name for name in one if one[name] != other[name]] == []
    assert one.keys() == other.keys()


@pytest.mark.parametrize(
    ("kind", "tag"), [("win-amd64", "py3-none-win_amd64"), ("entry-points", "py3-none-any")]
)
def test_programs_are_entry_points_where_scripts_do_not_work(
    tmp_path: Path, kind: str, tag: str
) -> None:
    wheel = build(tmp_path, kind)

    entries = text(wheel, "entry_points.txt")
    assert [line.split(" = ")[0] for line in entries.splitlines()[1:]] == PROGRAMS
    assert (tag in wheel.name, text(wheel, ".data/scripts/hexauth")) == (True, "")


@pytest.mark.parametrize(
    ("python", "here", "chosen"),
    [
        ("/usr/bin/python3", "linux-x86_64", "linux-x86_64"),
        ("/home/me/a b/bin/python", "linux-x86_64", "entry-points"),
        ("/Users/me/Application Support/bin/python", "macosx-14.0-arm64", "entry-points"),
        (f"/{'long' * 31}", "linux-x86_64", "entry-points"),
        (r"C:\Program Files\Python\python.exe", "win-amd64", "win-amd64"),
    ],
)
def test_a_wheel_is_built_for_the_path_of_its_python(python: str, here: str, chosen: str) -> None:
    assert platform({}, python, here) == chosen
    assert platform({"HEXAUTH_WHEEL": "win-arm64"}, python, here) == "win-arm64"


@pytest.mark.parametrize("folder", ["plain", "with space"])
def test_pip_installs_programs_that_run(tmp_path: Path, folder: str) -> None:
    """The wheel; or where its scripts cannot work, the source: nobody has to say so."""
    what = ROOT if " " in folder else build(tmp_path)
    place = tmp_path / folder
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin/python"
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    environ = {"PYTHONPATH": libraries(), "HOME": str(tmp_path)}

    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(what)],
        env=environ,
        check=True,
    )

    assert sorted(path.name for path in (place / "bin").glob("*hexauth*")) == PROGRAMS
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
