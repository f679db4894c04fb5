"""Real TLS: certificates of the environment's are trusted, and no others."""

import ssl
from collections.abc import Callable
from pathlib import Path

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

Make = Callable[[Sandbox], Machine]


def test_a_certificate_named_in_the_environment_is_trusted(
    serve: Serve, machine: Make, tls: ssl.SSLContext, certificate: Path
) -> None:
    sandbox = serve(tls=tls, approve_after=0)
    here = machine(sandbox)
    here.environ["REQUESTS_CA_BUNDLE"] = str(certificate)

    assert here.hexauth("login", "--no-browser").returncode == 0
    assert here.token().startswith("eyJ")


def test_another_certificate_is_refused_before_anything_is_sent(
    serve: Serve, machine: Make, tls: ssl.SSLContext
) -> None:
    sandbox = serve(tls=tls, approve_after=0)

    done = machine(sandbox).hexauth("login", "--no-browser")

    assert done.returncode == 6
    assert b"its certificate is not trusted" in done.stderr
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_passwords_in_netrc_are_not_sent_to_hex(serve: Serve, machine: Make) -> None:
    sandbox = serve(approve_after=0)
    here = machine(sandbox)
    netrc = here.home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login alice password secret\n")
    netrc.chmod(0o600)

    assert here.hexauth("login", "--no-browser").returncode == 0
    assert sandbox.journal.counts()["authorization_on_oauth"] == 0
