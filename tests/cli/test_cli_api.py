"""`hexauth api`, as people type it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import SECONDS, Machine, Serve

Make = Callable[[Sandbox], Machine]
OTP = {"HEX_OTP": "123456"}
KEY = ("api", "keys", "-f", "name=ci")


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(approve_after=0, otp="123456")


@pytest.fixture
def here(sandbox: Sandbox, logged_in: Make) -> Machine:
    return logged_in(sandbox)


def test_the_answer_is_printed_as_it_comes(here: Machine) -> None:
    done = here.hexauth("api", "users/me")

    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["username"] == "alice"


@pytest.mark.parametrize("path", ["/users/me", "{api}/users/me", "users/me?a=b"])
def test_a_path_is_below_the_api(here: Machine, sandbox: Sandbox, path: str) -> None:
    assert here.hexauth("api", path.format(api=sandbox.api_url)).returncode == 0


@pytest.mark.parametrize(
    "path", ["https://evil.test/users/me", "//evil.test/", "../names", "users/./me", "users/.."]
)
def test_a_path_leads_nowhere_else(here: Machine, sandbox: Sandbox, path: str) -> None:
    before = len(sandbox.journal.log())

    done = here.hexauth("api", path)

    assert done.returncode in (1, 2)
    assert {each["path"] for each in sandbox.journal.log()[before:]} <= {"/api/evil.test/"}


def test_fields_are_a_body(here: Machine) -> None:
    done = here.hexauth(*KEY, environ=OTP)

    assert (done.returncode, json.loads(done.stdout)["name"]) == (0, "ci")


def test_fields_of_a_get_are_a_query(here: Machine) -> None:
    done = here.hexauth("api", "packages", "-X", "get", "-f", "page=2")

    assert [each["name"] for each in json.loads(done.stdout)] == ["gleam_stdlib", "jason"]


def test_a_file_or_standard_input_is_a_body(here: Machine) -> None:
    (here.home / "body.json").write_text('{"name": "from a file"}')

    file = here.hexauth("api", "keys", "--input", "body.json", environ=OTP)
    stream = here.hexauth(
        "api", "keys", "--input", "-", give=b'{"name": "from a stream"}', environ=OTP
    )

    names = [json.loads(done.stdout)["name"] for done in (file, stream)]
    assert names == ["from a file", "from a stream"]


def test_headers_are_sent_and_shown(here: Machine, sandbox: Sandbox) -> None:
    done = here.hexauth("api", "users/me", "-i", "-H", "Accept: application/vnd.hex+json")

    assert done.stdout.startswith(b"HTTP 200 OK\n")
    assert b"\nContent-Type: application/vnd.hex+json" in done.stdout
    assert sandbox.journal.log()[-1]["accept"] == "application/vnd.hex+json"


def test_all_pages_are_joined(here: Machine, sandbox: Sandbox) -> None:
    done = here.hexauth("api", "packages", "--paginate")

    assert [each["name"] for each in json.loads(done.stdout)] == [
        "decimal",
        "ecto",
        "gleam_stdlib",
        "jason",
        "phoenix",
    ]
    assert sandbox.journal.counts()["packages"] == 3


def test_json_is_laid_out_for_a_person_and_left_alone_for_a_program(here: Machine) -> None:
    plain = here.hexauth("api", "users/me").stdout
    with pexpect.spawn("hexauth", ["api", "users/me"], env=here.environ, timeout=SECONDS) as screen:
        screen.expect(pexpect.EOF)

    assert b"\n" not in plain.rstrip(b"\n")
    laid_out = json.dumps(json.loads(plain), indent=2)
    assert screen.before.decode().replace("\r\n", "\n") == f"{laid_out}\n"


def test_a_refusal_is_said_and_its_answer_printed(here: Machine) -> None:
    done = here.hexauth("api", "nothing")

    assert (done.returncode, json.loads(done.stdout)["status"]) == (1, 404)
    assert b" answered 404: Not Found\n" in done.stderr


@pytest.mark.parametrize("code", ["", "000000"])
def test_a_one_time_password_that_nobody_can_be_asked_for(here: Machine, code: str) -> None:
    done = here.hexauth(*KEY, environ={"HEX_OTP": code})

    assert (done.returncode, done.stdout) == (3, b"")
    assert b"one-time password" in done.stderr


def test_a_one_time_password_is_asked_for_at_the_terminal(here: Machine) -> None:
    """Without echo, and once more if it was wrong."""
    with pexpect.spawn("hexauth", list(KEY), env=here.environ, timeout=SECONDS) as terminal:
        terminal.expect("One-time password: ")
        terminal.sendline("000000")
        terminal.expect("Wrong. One-time password: ")
        terminal.sendline("123456")
        terminal.expect(pexpect.EOF)
    text = terminal.before.decode()

    assert (terminal.exitstatus, '"name": "ci"' in text, "123456" in text) == (0, True, False)


def test_nobody_logged_in(serve: Serve, machine: Make) -> None:
    assert machine(serve()).hexauth("api", "users/me", "--no-login").returncode == 3


def test_a_token_that_was_rejected_is_refreshed(here: Machine, sandbox: Sandbox) -> None:
    sandbox.hexpm.reject_access_tokens()

    assert here.hexauth("api", "users/me").returncode == 0
    assert sandbox.journal.counts()["refresh"] == 1


def test_hex_api_key_is_used(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)

    done = here.hexauth(*KEY, environ={"HEX_API_KEY": sandbox.hexpm.add_key("api")})

    assert done.returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "-f", "name"),
        ("keys", "-f", "a=b", "--input", "-"),
        ("keys", "--input", "nowhere.json"),
        ("users/me", "-H", "Accept"),
        ("users/me", "-H", "authorization: Bearer x"),
        ("users/me", "-H", "X: a\nY: b"),
        ("keys", "-f", "a=b", "--paginate"),
        ("users/me", "--target", "nothing"),
        (),
    ],
)
def test_what_makes_no_sense_is_refused(here: Machine, words: tuple[str, ...]) -> None:
    done = here.hexauth("api", *words)

    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 2)


@pytest.mark.parametrize("fault", ["drop", "503", "cut-off"])
def test_a_server_that_is_out_of_order(here: Machine, sandbox: Sandbox, fault: str) -> None:
    from hexauth.sandbox.faults import parse

    sandbox.faults.add(parse(f"{fault}@users_me"))

    done = here.hexauth("api", "users/me")

    assert done.returncode == (1 if fault == "503" else 6)
    assert (done.stderr.count(b"\n"), b"Traceback" in done.stderr) == (2, False)


def test_the_api_is_that_of_the_target(serve: Serve, machine: Make, sandbox: Sandbox) -> None:
    """Another Hex server, and a repository whose API has a key of its own."""
    here = machine(serve())
    folder = Path(here.environ["HEXAUTH_HOME"])
    folder.mkdir(mode=0o700)
    (folder / "config.toml").write_text(
        f'[repositories.mine]\nurl = "{sandbox.url}/repo"\napi_url = "{sandbox.api_url}"\n'
    )
    key = sandbox.hexpm.add_key("api")
    kept = here.hexauth("key", "add", "mine", "--kind", "api_key", give=key.encode())
    here.hexauth("login", sandbox.api_url, "--no-browser")

    own = here.hexauth("api", "users/me", "--target", "mine")
    other = here.hexauth("api", "users/me", "--target", sandbox.api_url)

    assert (kept.returncode, own.returncode, other.returncode) == (0, 0, 0), other.stderr
    sent = [each["authorization"] for each in sandbox.journal.log() if each["kind"] == "users_me"]
    assert sent[-2].split()[0] == "key"


def test_output_that_nobody_reads(here: Machine) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with here.start("hexauth", "api", "users/me", stdout=writing) as process:
        os.close(writing)
        _, err = process.communicate(timeout=SECONDS)

    assert (process.returncode, err) == (1, b"")
