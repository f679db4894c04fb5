"""`hexauth get` as scripts use it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve
from tests.serving import gone

Make = Callable[[Sandbox], Machine]

FAULTS = ("503", "500", "429", "html", "half-json", "not-object", "drop", "endless", "redirect")


def test_a_second_get_asks_nobody_and_gives_the_same_token(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)

    assert machine.token() == machine.token()
    assert sandbox.journal.counts()["device_authorization"] == 1


def test_get_asks_for_a_login_when_it_may(serve: Serve, machine: Make) -> None:
    sandbox = serve(approve_after=0)

    done = machine(sandbox).hexauth("get", "hexpm", "--login", "--format", "token")

    assert done.returncode == 0
    assert done.stdout.startswith(b"eyJ")
    assert b"To log in, open http://127.0.0.1:" in done.stderr


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (("--no-login",), {}),
        ((), {}),
        ((), {"DISPLAY": ":9", "CI": "true"}),
        ((), {"DISPLAY": ":9", "HEXAUTH_NO_LOGIN": "1"}),
        ((), {"DISPLAY": ":9", "GIT_TERMINAL_PROMPT": "0"}),
        ((), {"DISPLAY": ":9", "GIT_CONFIG_PARAMETERS": "'credential.interactive'='false'"}),
    ],
)
def test_who_may_not_ask_exits_3_and_says_what_to_do(
    serve: Serve, machine: Make, words: tuple[str, ...], environ: dict[str, str]
) -> None:
    sandbox = serve()

    done = machine(sandbox).hexauth("get", "hexpm", *words, environ=environ)

    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.splitlines()[-1].decode() == (
        "hexauth: Run `hexauth login` in a terminal. "
        "Where nobody can, set HEX_API_KEY to a key, or HEX_REPOS_KEY for packages."
    )
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_an_expired_token_is_refreshed_once(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    old = machine.token()
    machine.age(sandbox)

    new = machine.token("--min-ttl", "1799")

    assert new != old
    assert sandbox.journal.counts()["refresh"] == 1


def test_a_token_shorter_than_the_margin_is_used_for_the_time_it_has(
    serve: Serve, logged_in: Make
) -> None:
    sandbox = serve(approve_after=0, token_ttl=60)
    machine = logged_in(sandbox)

    assert machine.token() == machine.token()
    assert sandbox.journal.counts()["refresh"] == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_out_of_order_costs_nothing_but_patience(
    serve: Serve, logged_in: Make, fault: str
) -> None:
    """While the old token lives it is answered; the login outlasts the fault."""
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    old = machine.token()
    machine.age(sandbox)
    fail(sandbox, f"{fault}@refresh")

    assert machine.token("--min-ttl", "1799") == old
    assert machine.token("--min-ttl", "1799") != old


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_out_of_order_exits_6_when_no_token_lives(
    serve: Serve, logged_in: Make, fault: str
) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    machine.erase(machine.token())
    fail(sandbox, f"{fault}@refresh")

    done = machine.hexauth("get", "hexpm")

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (6, b"", 2)
    assert machine.token()


def test_a_server_that_never_answers_is_given_up(serve: Serve, logged_in: Make) -> None:
    """After as long as is set; the old token still lives, so it is the answer."""
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    old = machine.token()
    machine.age(sandbox)
    fail(sandbox, "hang@refresh")
    machine.environ["HEX_HTTP_TIMEOUT"] = "1"

    assert machine.token("--min-ttl", "1799") == old


def test_a_server_that_is_gone_exits_6_and_loses_nothing(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    machine.erase(machine.token())

    with gone(sandbox):
        done = machine.hexauth("get", "hexpm")

    assert done.returncode == 6
    assert machine.status()["logins"][0]["state"] == "refreshable"


def test_a_session_ended_by_the_server_wants_a_login(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    machine.erase(machine.token())
    sandbox.hexpm.end_sessions()

    assert machine.hexauth("get", "hexpm").returncode == 3
    assert machine.status()["logins"][0]["state"] == "none"


def test_a_rejected_token_is_refreshed_at_the_next_get(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))
    old = machine.token()

    machine.erase(old)

    assert machine.token() != old


def test_an_older_rejected_token_changes_nothing(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))
    old = machine.token()
    machine.erase(old)
    new = machine.token()

    machine.erase(old)

    assert machine.token() == new


def test_every_format_prints_the_token_in_its_own_way(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))
    token = machine.token()

    def get(form: str) -> str:
        return machine.hexauth("get", "hexpm", "--format", form).stdout.decode()

    expiry = json.loads(get("json"))["expires_at"]
    assert get("token") == f"{token}\n"
    assert get("header") == f"Authorization: Bearer {token}\n"
    assert get("env") == f"export HEX_API_KEY='Bearer {token}'\n"
    assert get("curl") == f'header = "Authorization: Bearer {token}"\n'
    assert get("git") == f"username=oauth2\npassword={token}\npassword_expiry_utc={expiry}\n"


def test_json_names_everything_that_is_known(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))

    answer = json.loads(machine.hexauth("get", "hexpm:acme", "--format", "json").stdout)

    assert {key: answer[key] for key in answer if key not in ("token", "expires_at", "host")} == {
        "protocol": "http",
        "path": "repos/acme",
        "username": "oauth2",
        "token_type": "bearer",
        "scope": "api:read api:write repositories",
        "source": "vault",
    }


def test_a_named_target_leaves_standard_input_alone(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))
    loop = "while read line; do hexauth get hexpm --format token >/dev/null; echo $line; done"

    assert machine.run("sh", "-c", loop, give=b"1\n2\n3\n").stdout == b"1\n2\n3\n"


def test_a_reader_that_goes_away_sees_no_traceback(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))

    done = machine.run("sh", "-c", "hexauth get hexpm 2>&1 >&3 | cat; exit", environ={})
    with machine.start("hexauth", "get", "hexpm") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        err = process.communicate(timeout=60)[1]

    assert b"Traceback" not in done.stdout + err
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("hexpn", 2, b"There is no repository called 'hexpn'"),
        ("ftp://x/", 2, b"is no http(s) URL"),
        ("http://git.example.com/", 2, b"is not encrypted"),
        ("https://alice:secret@git.example.com/", 2, b"holds a password"),
        ("https://git.example.com/", 3, b"Nothing is stored for https://git.example.com"),
        ("https://hex.pm/", 3, b"Nothing is stored for https://hex.pm"),
    ],
)
def test_a_strange_target_is_named_and_the_known_ones_listed(
    serve: Serve, machine: Make, target: str, code: int, words: bytes
) -> None:
    done = machine(serve()).hexauth("get", target, "--no-login")

    assert (done.returncode, done.stdout) == (code, b"")
    assert words in done.stderr
    assert b"secret" not in done.stderr


def test_an_api_key_of_the_environment_is_for_the_api_alone(serve: Serve, machine: Make) -> None:
    here = machine(serve())
    environ = {"HEX_API_KEY": "0123456789abcdef0123456789abcdef"}

    api = here.hexauth("get", "hexpm", "--format", "header", environ=environ)
    other = here.hexauth("get", "https://hex.pm/api", "--no-login", environ=environ)

    assert api.stdout == b"Authorization: 0123456789abcdef0123456789abcdef\n"
    assert (other.returncode, other.stdout) == (3, b"")


@pytest.mark.parametrize(
    "words",
    [("--format", "xml"), ("--min-ttl", "-1"), ("--vault", "cloud"), ("--nonsense",), ("a", "b")],
)
def test_wrong_arguments_exit_2_in_two_lines(
    serve: Serve, machine: Make, words: tuple[str, ...]
) -> None:
    done = machine(serve()).hexauth("get", *words)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 2)


def test_a_config_file_that_is_wrong_says_where(serve: Serve, machine: Make) -> None:
    here = machine(serve())
    (here.home / "hexauth").mkdir()
    (here.home / "hexauth/config.toml").write_text("min_tll = 5\n")

    done = here.hexauth("get", "hexpm")

    assert done.returncode == 2
    assert b"config.toml has a key that hexauth does not know: min_tll." in done.stderr


def test_tokens_stand_in_no_file_that_others_can_read(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))
    files = [path for path in Path(machine.home).rglob("*") if path.is_file()]

    assert {path.name: path.stat().st_mode & 0o077 for path in files} == {
        path.name: 0 for path in files
    }


def fail(sandbox: Sandbox, fault: str) -> None:
    """Let the sandbox's next request go wrong as `fault` says."""
    sandbox.faults.add(parse(fault))


def test_a_token_from_the_future_is_refreshed(serve: Serve, logged_in: Make) -> None:
    """The clock was ten days ahead when it came, and says nothing of when it ends."""
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    vault = machine.home / "hexauth/vault/vault.json"
    text, count = re.subn(
        r'((?:issued|expires)_at\\": )(\d+)',
        lambda found: f"{found[1]}{int(found[2]) + 864_000}",
        vault.read_text(),
    )
    vault.write_text(text)
    old = machine.hexauth("get", "hexpm", "--format", "token").stdout  # still cached, and fresh

    new = machine.hexauth(
        "get", "hexpm", "--format", "token", environ={"HEXAUTH_CACHE": "off"}
    ).stdout

    assert (count, new[:3], new == old) == (2, b"eyJ", False)
    assert sandbox.journal.counts()["refresh"] == 1


def test_what_was_looked_for_is_explained(serve: Serve, logged_in: Make) -> None:
    here = logged_in(serve(approve_after=0))

    done = here.hexauth("get", "--repo", "hexpm", "--format", "token", "--explain")

    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout[:3]) == (0, b"eyJ")
    assert lines[0] == "given in the call: nothing was given"
    assert "HEX_API_KEY: it is for the Hex API alone" in lines
    assert lines[-1] == "the login, in memory: taken, a bearer"
    assert b"eyJ" not in done.stderr


def test_why_nothing_was_found_is_explained(serve: Serve, machine: Make) -> None:
    done = machine(serve()).hexauth("get", "hexpm:acme", "--explain", "--no-login")

    lines = done.stderr.decode().splitlines()
    assert done.returncode == 3
    assert "the login, in the vault: nobody is logged in" in lines
    assert lines[-3].startswith("a new login: There is no login at ")


def test_hex_repos_key_is_for_repositories_and_not_for_the_api(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    here.environ["HEX_REPOS_KEY"] = sandbox.hexpm.add_key("repositories")

    codes = [
        here.hexauth("get", *words, "--no-login").returncode
        for words in (("hexpm:acme",), ("--repo", "hexpm"), ("hexpm",), ("https://git.test",))
    ]

    assert codes == [0, 0, 3, 3]
    assert sandbox.journal.counts()["client_credentials"] == 1
