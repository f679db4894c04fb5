import os
import subprocess
from pathlib import Path

import click
import pytest

from hexauth.cli.main import main
from hexauth.errors import exit_codes
from hexauth.world.settings import SETTINGS
from tests.conftest import need
from writers.manual import outdated, pages

ROOT = Path(__file__).parent.parent

PAGES = sorted(name for name in pages() if name.startswith("man/"))

COMMANDS = [
    name
    for name in main.list_commands(click.Context(main))
    if (command := main.get_command(click.Context(main), name)) and not command.hidden
]


def run(words: list[str], home: Path) -> tuple[str, bytes]:
    """Run a program, and return what it prints and what it complains about."""
    path = os.environ.get("PATH", os.defpath)
    environ = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(
        words, capture_output=True, env=environ, cwd=home, timeout=60, check=False
    )
    return done.stdout.decode(), done.stderr


def test_generated_files_are_current() -> None:
    assert outdated(ROOT) == [], "run scripts/manual"


def test_files_that_are_missing_old_or_left_over_are_out_of_date(tmp_path: Path) -> None:
    for name, text in pages().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "man/hexauth.1").unlink()
    (tmp_path / "man/hexauth-get.1").write_text("old")
    (tmp_path / "man/hexauth-sing.1").touch()

    assert outdated(tmp_path) == ["man/hexauth.1", "man/hexauth-get.1", "man/hexauth-sing.1"]


def test_every_program_and_visible_command_has_a_page() -> None:
    expected = [
        "hexauth",
        "docker-credential-hexauth",
        "git-credential-hexauth",
        "hexauth-bazel",
        *(f"hexauth-{name}" for name in COMMANDS),
        *(f"hexauth-key-{name}" for name in ("add", "list", "remove")),
        *(f"hexauth-config-{name}" for name in ("list", "get", "set", "unset")),
    ]

    assert sorted(f"man/{name}.1" for name in expected) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_sound(name: str, tmp_path: Path) -> None:
    man = need("man", "man-db")
    need("groff", "groff-base")
    words = [man, "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(ROOT / name)]

    assert run(words, tmp_path)[1] == b""


def test_page_shows_the_options_as_they_are_typed(tmp_path: Path) -> None:
    need("groff", "groff-base")
    words = [need("man", "man-db"), "-E", "UTF-8", "-l", str(ROOT / "man/hexauth-get.1")]

    shown = run(words, tmp_path)[0].split()

    assert {"--format", "--login", "--no-login", "-h,", "--help"} <= set(shown)


def test_page_names_every_variable_and_exit_code() -> None:
    wanted = {name.replace("-", "\\-") for setting in SETTINGS for name in setting.variables}
    words = set(pages()["man/hexauth.1"].replace("\\fB", " ").replace("\\fR", " ").split())

    missing = {name for name in wanted if not {name, f"{name},"} & words}
    assert missing | {str(code) for code in exit_codes()} - words == set()
