"""How requests are sent: whom is trusted, how long is waited, and by way of which proxy."""

from collections.abc import Callable

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

Make = Callable[[Sandbox], Machine]
LOGIN = ("login", "--no-browser")


def test_certificates_that_are_not_there_are_named(serve: Serve, machine: Make) -> None:
    here = machine(serve(approve_after=0))

    done = here.hexauth(*LOGIN, environ={"HEX_CACERTS_PATH": "/nowhere.pem"})

    assert done.returncode == 2
    assert b"There are no certificates at /nowhere.pem.\n" in done.stderr
    assert b"$HEX_CACERTS_PATH" in done.stderr


def test_nothing_is_sent_offline(serve: Serve, logged_in: Make) -> None:
    """A token that still lives is answered all the same."""
    sandbox = serve(approve_after=0)
    here = logged_in(sandbox)
    token = here.token()
    here.environ["HEX_OFFLINE"] = "1"
    before = sandbox.journal.log()

    assert here.token() == token
    assert here.hexauth("login", "--force", "--no-browser").returncode == 6
    done = here.hexauth("api", "users/me")

    assert (done.returncode, b"Unset HEX_OFFLINE" in done.stderr) == (6, True)
    assert sandbox.journal.log() == before


def test_a_slow_server_has_as_long_as_is_said(serve: Serve, machine: Make) -> None:
    here = machine(serve(approve_after=0, faults=("hang@device_authorization",)))

    done = here.hexauth(*LOGIN, environ={"HEX_HTTP_TIMEOUT": "1"})

    assert (done.returncode, b"no answer in time" in done.stderr) == (6, True)
