"""`--verbose` and HEXAUTH_VERBOSE: a report of what was done, for whoever looks for a fault."""

import re
from collections.abc import Callable

import click
import pytest

from hexauth.cli.main import COMMANDS, main
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

ON = {"HEXAUTH_VERBOSE": "1"}

LINE = re.compile(r"[a-z-]+\[\d+\] \d+\.\d{3} (.*)")


@pytest.fixture
def here(serve: Serve, logged_in: Callable[[Sandbox], Machine]) -> Machine:
    """Return a machine whose user is logged in, and whose git has stored a password."""
    found = logged_in(serve(approve_after=0))
    description = b"protocol=https\nhost=git.test\nusername=me\npassword=S3CRET\n\n"
    assert found.run("git-credential-hexauth", "store", give=description).stderr == b""
    return found


def told(err: bytes) -> list[str]:
    """Return what the lines tell, of which each has its form."""
    found = [LINE.fullmatch(line) for line in err.decode().splitlines()]
    assert all(found), err.decode()
    return [match[1] for match in found if match]


def commands(command: click.Command, *words: str) -> list[tuple[str, ...]]:
    """Return all commands below `command`, as they are typed."""
    if not isinstance(command, click.Group):
        return [words]
    context = click.Context(command)
    below = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return [words, *(each for name, one in below if one for each in commands(one, *words, name))]


@pytest.mark.parametrize("words", commands(main), ids=" ".join)
def test_every_command_has_the_option(words: tuple[str, ...]) -> None:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word) or main

    assert [each.opts for each in command.params if each.name == "verbose"] == [["-v", "--verbose"]]
    assert set(COMMANDS) >= set(words[:1])


@pytest.mark.parametrize(
    ("words", "give"),
    [
        (("hexauth", "get", "hexpm", "--format", "token"), b""),
        (("git-credential-hexauth", "get"), b"protocol=https\nhost=git.test\n\n"),
        (("docker-credential-hexauth", "list"), b""),
        (("hexauth-bazel", "get"), b'{"uri": "https://git.test/x"}'),
        (("hexauth", "status"), b""),
    ],
)
def test_every_door_tells_and_answers_as_ever(
    here: Machine, words: tuple[str, ...], give: bytes
) -> None:
    before = here.run(*words, give=give)

    done = here.run(*words, give=give, environ=ON)

    lines = told(done.stderr)
    assert (done.returncode, done.stdout) == (before.returncode, before.stdout)
    assert lines[0].startswith(f"{words[0]} on Python 3.")
    assert lines[-1] == "exit code 0"


def test_option_does_what_the_variable_does(here: Machine) -> None:
    by_option = here.hexauth("status", "-v")
    by_variable = here.hexauth("status", environ=ON)
    before_the_command = here.hexauth("--verbose", "status")

    def shape(err: bytes) -> list[str]:
        return [
            re.sub(r"\d+\.\d+", "N", line)
            for line in told(err)
            if not line.startswith("setting verbose")
        ]

    assert shape(by_option.stderr) == shape(by_variable.stderr)
    assert shape(by_option.stderr) == shape(before_the_command.stderr)


def test_git_s_configuration_may_say_it(here: Machine) -> None:
    done = here.run(
        "git-credential-hexauth", "--verbose", "get", give=b"protocol=https\nhost=git.test\n\n"
    )

    assert b"password=S3CRET\n" in done.stdout
    assert "stored where no login is known: taken, a password" in told(done.stderr)


def test_a_login_tells_its_requests_vault_and_mutexes(
    serve: Serve, machine: Callable[[Sandbox], Machine]
) -> None:
    here = machine(serve(approve_after=0))

    done = here.hexauth("login", "--no-browser", environ=ON)

    text = done.stderr.decode()
    api = here.environ["HEX_API_URL"]
    assert done.returncode == 0
    for wanted in (
        rf"setting api_url: '{api}' \(\$HEX_API_URL\)",
        r"mutex \S+\.login\.lock: taken after 0\.\d{3} s",
        r"mutex \S+\.login\.lock: left after \d+\.\d{3} s",
        r"vault file for login/\S+: set by \$HEXAUTH_VAULT",
        r"vault file: check: done \(\d\.\d{3} s\)",
        rf"POST {api}/oauth/device_authorization: 200, \d+ bytes, application/json, its clock "
        r"[+-]\d s \(\d\.\d{3} s\)",
        rf"POST {api}/oauth/token: 200",
        r"vault file: write login/\S+/refresh: done",
        "exit code 0",
    ):
        assert re.search(wanted, text), wanted


def test_a_refresh_tells_why_it_was_needed(here: Machine) -> None:
    here.erase(here.token())

    done = here.hexauth("get", "hexpm", "--no-login", "-v")

    lines = told(done.stderr)
    assert "the login, in the vault: the access token is used up" in lines
    assert "the login, refreshed: taken, a bearer" in lines
    assert any("/oauth/token: 200" in line for line in lines)


def test_an_error_tells_where_it_comes_from_and_no_traceback(here: Machine) -> None:
    done = here.hexauth("get", "https://nobody.test", "--no-login", "-v")

    text = done.stderr.decode()
    assert done.returncode == 3
    assert re.search(r"LoginRequired in .*hexauth\.credentials\.sources:\d+\n", text)
    assert "nobody is asked" not in text
    assert "Traceback" not in text
    assert text.splitlines()[-1].endswith(" exit code 3")


def test_who_may_not_be_asked_is_told_with_the_variable_that_says_so(
    serve: Serve, machine: Callable[[Sandbox], Machine]
) -> None:
    done = machine(serve()).hexauth("get", "hexpm", environ={**ON, "CI": "true"})

    assert done.returncode == 3
    assert b" nobody is asked: $CI is set\n" in done.stderr


def test_a_server_that_is_not_there_is_told_with_the_reason(here: Machine) -> None:
    words = ("login", "--no-browser", "--force", "-v")
    done = here.hexauth(*words, environ={"HEX_API_URL": "http://127.0.0.1:1/api"})

    assert done.returncode == 6
    assert re.search(
        rb"POST http://127\.0\.0\.1:1/api/oauth/\S+: no connection \(\d\.\d{3} s\)\n", done.stderr
    )


@pytest.mark.parametrize("words", [("exec",), ("exec", "--verbose")])
def test_a_proxy_beside_a_command_tells_too(here: Machine, words: tuple[str, ...]) -> None:
    fetch = 'curl -s "$HEX_API_URL/packages" >out'

    done = here.hexauth(*words, "--", "sh", "-c", fetch, environ=ON)

    found = re.findall(rb"GET (\S+)/api/packages: 200", done.stderr)
    assert done.returncode == 0
    assert [url.decode() + "/api" for url in found] == [here.environ["HEX_API_URL"]]


def test_switched_off_it_takes_the_short_way(here: Machine) -> None:
    assert here.hexauth("get", "hexpm", environ={"HEXAUTH_VERBOSE": "off"}).stderr == b""
