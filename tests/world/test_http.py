"""How requests are sent: whom is trusted, how long is waited, and by way of which proxy."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from ssl import SSLContext

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

Make = Callable[[Sandbox], Machine]
LOGIN = ("login", "--no-browser")


@pytest.mark.parametrize("variable", ["HEX_CACERTS_PATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_are_taken_from_each_variable(
    serve: Serve, machine: Make, tls: SSLContext, certificate: Path, variable: str
) -> None:
    here = machine(serve(approve_after=0, tls=tls))

    unknown = here.hexauth(*LOGIN)
    known = here.hexauth(*LOGIN, environ={variable: str(certificate)})

    assert (unknown.returncode, known.returncode) == (6, 0)
    assert b"its certificate is not trusted" in unknown.stderr


def test_hex_s_own_variable_comes_first(
    serve: Serve, machine: Make, tls: SSLContext, certificate: Path, tmp_path: Path
) -> None:
    here = machine(serve(approve_after=0, tls=tls))
    other = tmp_path / "none.pem"
    other.write_text("")

    done = here.hexauth(
        *LOGIN,
        environ={"HEX_CACERTS_PATH": str(certificate), "REQUESTS_CA_BUNDLE": str(other)},
    )

    assert done.returncode == 0, done.stderr


def test_certificates_that_are_not_there_are_named(serve: Serve, machine: Make) -> None:
    here = machine(serve(approve_after=0))

    done = here.hexauth(*LOGIN, environ={"HEX_CACERTS_PATH": "/nowhere.pem"})

    assert done.returncode == 2
    assert b"There are no certificates at /nowhere.pem.\n" in done.stderr
    assert b"$HEX_CACERTS_PATH" in done.stderr


def test_any_certificate_is_trusted_if_it_is_said(
    serve: Serve, machine: Make, tls: SSLContext
) -> None:
    here = machine(serve(approve_after=0, tls=tls))

    done = here.hexauth(*LOGIN, environ={"HEX_UNSAFE_HTTPS": "1"})

    assert done.returncode == 0
    assert b"no certificate is checked" in done.stderr


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


class Proxy(HTTPServer):
    asked = 0


class Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.asked += 1
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        pass


@pytest.mark.parametrize(("no_proxy", "asked"), [("", 1), ("127.0.0.1", 0)])
def test_a_proxy_is_asked_unless_it_is_not_for_the_host(
    serve: Serve, machine: Make, tls: SSLContext, no_proxy: str, asked: int
) -> None:
    here = machine(serve(tls=tls))
    with Proxy(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        try:
            done = here.hexauth(
                *LOGIN,
                environ={
                    "HTTPS_PROXY": f"http://me:S3CRET@127.0.0.1:{proxy.server_port}",
                    "NO_PROXY": no_proxy,
                },
            )
        finally:
            proxy.shutdown()
            thread.join()

    assert (done.returncode, proxy.asked, b"S3CRET" in done.stderr) == (6, asked, False)
