"""What a stranger types first."""

import shutil
from pathlib import Path

import pytest

from hexauth import __version__
from tests.conftest import Machine

NO_SERVER = "http://127.0.0.1:1/api"


@pytest.fixture
def stranger(tmp_path: Path) -> Machine:
    """Return a machine on which nothing was set up, and whose server is not there."""
    return Machine(tmp_path, NO_SERVER)


def test_without_a_command_the_help_is_shown_as_it_was_written(stranger: Machine) -> None:
    done = stranger.hexauth()

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"Usage: hexauth [OPTIONS] [COMMAND] [ARGS]...\n\n")
    assert b"\n  login   Log in to TARGET in a browser" in done.stderr


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_goes_to_standard_output(word: str, stranger: Machine) -> None:
    done = stranger.hexauth(word)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\n  get    Print a working credential" in done.stdout


def test_version_is_the_package_s(stranger: Machine) -> None:
    assert stranger.hexauth("--version").stdout.decode() == f"hexauth {__version__}\n"


def test_module_can_be_run(stranger: Machine) -> None:
    done = stranger.run("python", "-m", "hexauth", "--version")

    assert done.stdout.decode() == f"hexauth {__version__}\n"


def test_unknown_command_is_named_in_two_lines(stranger: Machine) -> None:
    done = stranger.hexauth("frob")

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines() == [
        "hexauth: There is no command 'frob'.",
        "hexauth: `hexauth --help` lists those there are.",
    ]


def test_surplus_argument_may_be_a_secret_and_is_not_repeated(stranger: Machine) -> None:
    done = stranger.hexauth("get", "hexpm", "0123456789abcdef")

    assert done.returncode == 2
    assert b"0123456789abcdef" not in done.stderr


def test_state_that_cannot_be_kept_is_said_in_two_lines(stranger: Machine) -> None:
    (stranger.home / "hexauth").write_text("a file where a folder belongs")

    done = stranger.hexauth("login")

    assert done.returncode in (2, 7)
    assert len(done.stderr.splitlines()) == 2
    assert b"Traceback" not in done.stderr


PLANTED = ("requests", "click", "json", "keyring", "tomllib", "portalocker")


def test_module_is_not_looked_for_in_the_current_folder(stranger: Machine) -> None:
    """`python -m` puts it first, and it may be anybody's clone."""
    for name in PLANTED:
        (stranger.home / f"{name}.py").write_text(f"raise SystemExit('planted {name}')\n")

    for words, code in ((["login", "--no-browser"], 6), (["status"], 3), (["config"], 0)):
        done = stranger.run("python", "-m", "hexauth", *words)
        assert (done.returncode, b"planted" in done.stderr) == (code, False), done.stderr


@pytest.mark.parametrize(
    ("options", "environ"),
    [(["-P"], {}), ([], {"PYTHONSAFEPATH": "1"}), (["-I"], {})],
)
def test_safe_path_stays_as_it_is(
    stranger: Machine, options: list[str], environ: dict[str, str]
) -> None:
    """Python has put nothing first then, and nothing is taken away."""
    (stranger.home / "first").mkdir()
    environ = {**environ, "PYTHONPATH": str(stranger.home / "first")}
    done = stranger.run("python", *options, "-m", "hexauth", "--version", environ=environ)
    assert (done.returncode, done.stderr) == (0, b"")


def test_folder_that_hexauth_itself_comes_from_is_kept(
    stranger: Machine, request: pytest.FixtureRequest
) -> None:
    """So it is in a checkout, and where everything was installed into one folder."""
    shutil.copytree(request.config.rootpath / "hexauth", stranger.home / "hexauth")
    (stranger.home / "click.py").write_text("raise SystemExit('the click of that folder')\n")
    stranger.environ["HEXAUTH_HOME"] = str(stranger.home / "data")

    done = stranger.run("python", "-m", "hexauth", "config")

    assert done.stderr == b"the click of that folder\n"


def test_folder_that_is_gone_is_no_matter(stranger: Machine) -> None:

    done = stranger.run(
        "sh", "-c", "mkdir gone && cd gone && rmdir ../gone && python -m hexauth config"
    )

    assert (done.returncode, done.stderr) == (0, b"")
