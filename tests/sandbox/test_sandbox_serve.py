import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from hexauth.errors import HexauthError, UsageError
from hexauth.hex import CLIENT_ID
from hexauth.sandbox.app import create_app
from hexauth.sandbox.faults import Faults
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.journal import Journal
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]


def test_it_speaks_tls(tls: ssl.SSLContext, certificate: Path) -> None:
    """And says so in the addresses it hands out."""
    with Sandbox(tls=tls) as sandbox:
        grant = requests.post(
            f"{sandbox.api_url}/oauth/device_authorization",
            data={"client_id": CLIENT_ID},
            timeout=10,
            verify=str(certificate),
        ).json()

    assert grant["verification_uri"] == f"{sandbox.url}/oauth/device"


def test_it_serves_at_another_address_of_this_machine() -> None:
    """And is known there by that address, at any port, and by no other name."""
    with Sandbox(address="127.0.0.2") as sandbox:
        status = requests.get(sandbox.url, timeout=10).status_code

    assert (sandbox.url.rpartition(":")[0], status) == ("http://127.0.0.2", 200)


@pytest.mark.parametrize(
    ("host", "status"), [("10.1.2.3:80", 200), ("10.1.2.3", 200), ("10.1.2.33", 421), ("", 421)]
)
def test_it_answers_to_the_address_that_it_was_told(host: str, status: int) -> None:
    told = create_app(
        Hexpm(Options()), Journal(), Faults(), stopping=threading.Event(), address="10.1.2.3"
    )

    answer = told.test_client().get("/oauth/device", headers={"Host": host})

    assert answer.status_code == status


def test_a_client_that_distrusts_the_certificate_upsets_nobody(
    tls: ssl.SSLContext, certificate: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed, and the next client is served."""
    with Sandbox(tls=tls) as sandbox:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(sandbox.url, timeout=10)
        status = requests.get(sandbox.url, timeout=10, verify=str(certificate)).status_code

    assert (status, capfd.readouterr()) == (200, ("", ""))


def test_a_client_that_says_nothing_holds_up_nobody(tls: ssl.SSLContext, certificate: Path) -> None:
    """Every connection shakes hands in its own thread."""
    with Sandbox(tls=tls) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            status = requests.get(sandbox.url, timeout=5, verify=str(certificate)).status_code

    assert status == 200


def test_a_connection_that_is_open_ends_with_the_sandbox(serve: Serve) -> None:
    """Nobody waits for a server that is gone."""
    sandbox = serve()
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2]))) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        threading.Timer(0.2, sandbox.stop).start()
        client.settimeout(5)

        assert client.recv(100) == b""


def test_a_port_that_is_taken_is_a_plain_error(serve: Serve) -> None:
    """With a hint at the option."""
    port = int(serve().url.rpartition(":")[2])

    with pytest.raises(HexauthError, match=f"Port {port} cannot be used"):
        Sandbox(Options(port=port)).start()


def test_a_sandbox_that_never_started_can_be_stopped() -> None:
    """Cleaning up needs no conditions."""
    sandbox = Sandbox()
    sandbox.stop()

    assert sandbox.url == ""


def test_a_clock_can_be_handed_in() -> None:
    """Thirty days pass in no time."""
    times = [1_000_000.0]
    with Sandbox(Options(approve_after=60), now=lambda: times[-1]) as sandbox:
        requests.post(
            f"{sandbox.api_url}/oauth/device_authorization",
            data={"client_id": CLIENT_ID},
            timeout=10,
        )
        states = [sandbox.hexpm.grants()[0].state.value]
        times.append(1_000_060)
        states.append(sandbox.hexpm.grants()[0].state.value)

    assert states == ["pending", "approved"]


def test_a_stampede_is_served(serve: Serve) -> None:
    """Two hundred clients at once, each an answer."""
    sandbox = serve(rate_limit=None)
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(
                requests.get(f"{sandbox.api_url}/users/me", timeout=30).status_code
            )
        )
        for _ in range(200)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [401] * 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 70_000},
        {"port": -1},
        {"approve_after": -1},
        {"deny_after": -0.5},
        {"interval": -1},
        {"interval": float("nan")},
        {"expires_in": float("inf")},
        {"expires_in": 0},
        {"token_ttl": -1},
    ],
)
def test_an_option_that_makes_no_sense_is_a_usage_error(wrong: dict[str, float]) -> None:
    """Before anything is started."""
    with pytest.raises(UsageError):
        Options(**wrong)  # type: ignore[arg-type]  # one number, for any of the fields
