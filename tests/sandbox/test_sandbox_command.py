import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest
import requests
from click.testing import CliRunner, Result

from hexauth.cli.sandbox import sandbox
from hexauth.errors import HexauthError
from hexauth.sandbox import run

PYTHON = [sys.executable, "-c"]
COMMAND = [*PYTHON, "import sys; from hexauth.__main__ import main; main()", "sandbox"]


def invoke(*words: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(sandbox, words)


def start(*words: str) -> "subprocess.Popen[str]":
    """Run the command in a process and a session of its own, without a terminal."""
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": root},
    )


def line_of(process: "subprocess.Popen[str]") -> str:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_command_gets_a_server_and_a_home_of_its_own() -> None:
    """The user's own credentials and addresses stay out of it."""
    environ = {
        "PATH": "/bin",
        "HEX_API_KEY": "secret",
        "HEX_API": "https://other.test",
        "HEX_REPOS_KEY": "secret",
        "HEX_API_URL": "https://other.test",
        "HEXAUTH_HOME": "/home/alice/.hexauth",
        "HEXAUTH_VAULT": "keyring",
        "HTTP_PROXY": "http://proxy.test",
        "NO_PROXY": "intranet.test",
    }

    assert run.environment(environ, "http://127.0.0.1:1/api", "/dev/shm/x") == {
        "PATH": "/bin",
        "HEX_API_URL": "http://127.0.0.1:1/api",
        "HEXAUTH_HOME": "/dev/shm/x",
        "HEXAUTH_VAULT": "file",
        "HTTP_PROXY": "http://proxy.test",
        "NO_PROXY": "intranet.test,127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def test_the_home_is_private_empty_and_removed(tmp_path: Path) -> None:
    """It lies in memory, where there is such a place."""
    with run.temporary_home(tmp_path) as home:
        found = Path(home)
        during = (
            found.parent == tmp_path,
            stat.S_IMODE(found.stat().st_mode),
            list(found.iterdir()),
        )
        (found / "vault").mkdir()

    assert (during, found.exists()) == ((True, 0o700, []), False)


def test_the_home_lies_elsewhere_where_there_is_no_such_place(tmp_path: Path) -> None:
    """Windows and macOS have none."""
    with run.temporary_home(tmp_path / "missing") as home:
        assert Path(home).is_dir()


@pytest.mark.parametrize("code", [0, 1, 3, 130])
def test_the_exit_code_is_the_commands(code: int) -> None:
    """Whatever it is."""
    assert invoke("--", *PYTHON, f"raise SystemExit({code})").exit_code == code


def test_a_command_that_a_signal_ended_has_the_shells_exit_code() -> None:
    """128 and the signal's number."""
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"

    assert invoke("--", *PYTHON, kill).exit_code == 128 + signal.SIGKILL


def test_a_commands_options_are_its_own() -> None:
    """With or without the dashes in front."""
    assert invoke(*PYTHON, "import sys; sys.exit(len(sys.argv))", "--port", "x").exit_code == 3


@pytest.mark.parametrize(("name", "code"), [("no-such-command", 127), ("{}/plain", 126)])
def test_a_command_that_cannot_run_is_a_plain_error(tmp_path: Path, name: str, code: int) -> None:
    """127 for one that is missing, 126 for one that is not executable."""
    (tmp_path / "plain").write_text("text")
    error = invoke("--", name.format(tmp_path)).exception

    assert isinstance(error, HexauthError) and error.exit_code == code  # noqa: PT018  (one comparison)


def test_an_executable_that_is_no_program_is_a_plain_error(tmp_path: Path) -> None:
    """The system refuses to start it."""
    program = tmp_path / "program"
    program.write_bytes(b"\x00\x01")
    program.chmod(0o700)

    with pytest.raises(run.NotExecutable):
        run.run([str(program)], os.environ)


def test_a_command_can_log_in() -> None:
    """Against the server in its environment, which approves by itself."""
    script = """
import os, requests, sys
from hexauth.hex import CLIENT_ID
url = os.environ["HEX_API_URL"] + "/oauth/"
grant = requests.post(url + "device_authorization", data={"client_id": CLIENT_ID}).json()
form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": CLIENT_ID, "device_code": grant["device_code"]}
sys.exit(0 if "access_token" in requests.post(url + "token", data=form).json() else 1)
"""

    assert invoke("--approve-after", "0", "--", *PYTHON, script).exit_code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on_to_the_command(number: signal.Signals) -> None:
    """It decides what to do, and its home is removed after it."""
    script = f"""
import os, signal, sys, time
signal.signal({int(number)}, lambda *_: sys.exit(42))
print(os.environ["HEXAUTH_HOME"], flush=True)
time.sleep(30)
"""
    with start("--", *PYTHON, script) as process:
        home = Path(line_of(process).strip())
        existed = home.is_dir()
        process.send_signal(number)
        process.wait(10)

    assert (existed, process.returncode, home.exists()) == (True, 42, False)


def test_control_c_reaches_the_command_once(tmp_path: Path) -> None:
    """The terminal sends it to both; passing it on as well would make it two."""
    script = tmp_path / "script.py"
    script.write_text("""
import signal, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print("ready", flush=True)
time.sleep(1)
print(f"seen {len(seen)}", flush=True)
""")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    terminal = pexpect.spawn(
        COMMAND[0], [*COMMAND[1:], "--", sys.executable, str(script)], env=environ, timeout=20
    )
    terminal.expect("ready")
    terminal.sendintr()
    terminal.expect(r"seen (\d+)")
    seen = terminal.match.group(1)
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert (seen, terminal.exitstatus) == (b"1", 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_a_command_it_serves_until_it_is_ended(number: signal.Signals) -> None:
    """It prints where it is and how to use it, and ends well."""
    with start() as process:
        lines = [line_of(process) for _ in range(3)]
        address = lines[1].strip().removeprefix("export HEX_API_URL=")
        status = requests.get(f"{address}/users/me", timeout=10).status_code
        process.send_signal(number)
        began = time.monotonic()
        process.wait(10)

    assert (
        status,
        lines[2].split("=")[0].strip(),
        process.returncode,
        time.monotonic() - began < 5,
    ) == (
        401,
        "export HEXAUTH_HOME",
        0,
        True,
    )


def test_an_unknown_fault_is_a_usage_error() -> None:
    """With the faults there are in its hint."""
    error = invoke("--fault", "teapot").exception

    assert isinstance(error, HexauthError) and error.exit_code == 2  # noqa: PT018  (one comparison)


def test_without_its_packages_it_says_what_to_install() -> None:
    """They come with the extra only."""
    block = "import sys; sys.modules.update(flask=None); "
    done = subprocess.run(
        [*PYTHON, block + COMMAND[2], "sandbox"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )

    assert (done.returncode, done.stderr) == (
        1,
        "hexauth: The sandbox needs packages that are not installed: flask.\n"
        "hexauth: Run: pip install 'hexauth[sandbox]'\n",
    )


def test_every_option_is_explained() -> None:
    """In the help."""
    missing = [option.name for option in sandbox.params if not getattr(option, "help", "")]

    assert missing == ["command"]
