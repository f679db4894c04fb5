"""Requests through a proxy, which sees neither what is sent nor what is answered."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.authorities import sign
from tests.conftest import Machine, Serve, context_of
from tests.connect_proxy import Proxy, proxy

Make = Callable[[Sandbox], Machine]

LOGIN = ("login", "--no-browser", "--force")
GET = ("get", "hexpm", "--no-login")
API = ("api", "users/me")
WRONG = "the proxy wants another user name or password"
CLOSED = "the proxy does not let it through"


@pytest.fixture
def between() -> Iterator[Proxy]:
    """Start a proxy that alice may use."""
    with proxy("alice", "P4SSWORD") as started:
        yield started


@pytest.fixture
def sandbox(serve: Serve, tls: ssl.SSLContext) -> Sandbox:
    """Start a server that speaks TLS."""
    return serve(approve_after=0, tls=tls)


@pytest.fixture
def here(sandbox: Sandbox, between: Proxy, certificate: Path, machine: Make) -> Machine:
    """Return a machine that trusts that server and goes through that proxy."""
    made = machine(sandbox)
    made.environ |= {
        "HTTPS_PROXY": f"http://alice:P4SSWORD@{between.place}",
        "HEX_CACERTS_PATH": str(certificate),
        "NO_PROXY": "",
    }
    return made


def test_everything_goes_through_it(sandbox: Sandbox, between: Proxy, here: Machine) -> None:
    """A login, a refresh and a request; each lands at the server, and is asked of the proxy."""
    codes = [here.hexauth(*LOGIN).returncode]
    here.reject_token(sandbox)
    codes += [here.hexauth(*each).returncode for each in (GET, API)]

    assert codes == [0, 0, 0]
    wanted = f"CONNECT {sandbox.url.removeprefix('https://')}"
    assert (len(between.asked) >= 3, set(between.asked)) == (True, {wanted})


def test_a_host_that_needs_none_is_reached_without(
    sandbox: Sandbox, between: Proxy, here: Machine
) -> None:
    done = here.hexauth(*LOGIN, environ={"NO_PROXY": "hex.test,127.0.0.1"})

    assert (done.returncode, between.asked) == (0, [])


@pytest.mark.parametrize("command", [LOGIN, GET, API], ids=lambda words: words[0])
def test_a_wrong_password_is_told_without_it(
    sandbox: Sandbox, between: Proxy, here: Machine, command: tuple[str, ...]
) -> None:
    if command != LOGIN:
        assert here.hexauth(*LOGIN).returncode == 0
        here.reject_token(sandbox)
    before = sandbox.journal.counts()

    done = here.hexauth(*command, environ={"HTTPS_PROXY": f"http://alice:S3CRET@{between.place}"})

    assert (done.returncode, done.stdout, done.stderr.decode().splitlines()) == (
        6,
        b"",
        [
            f"hexauth: {sandbox.url} cannot be reached: {WRONG}.",
            "hexauth: Correct them in HTTPS_PROXY.",
        ],
    )
    assert sandbox.journal.counts() == before


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", CLOSED),
        (b"HTTP/1.1 502 \x1b[2J\xe2\x80\xae\r\n\r\n", CLOSED),
        (b"HTTP/1.1 407 \r\n\r\n", WRONG),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no connection"),
        (b"HTTP/1.1 200 OK\r\n\r\nIt works!", "the encrypted connection broke off"),
    ],
    ids=["forbidden", "painter", "unnamed", "ssh", "liar"],
)
def test_a_proxy_that_does_otherwise_gets_nothing(
    sandbox: Sandbox, between: Proxy, here: Machine, answer: bytes, why: str
) -> None:
    between.refusal = answer

    done = here.hexauth(*LOGIN)

    first = f"hexauth: {sandbox.url} cannot be reached: {why}.\n"
    assert (done.returncode, done.stderr.decode().startswith(first)) == (6, True), done.stderr
    assert (b"P4SSWORD" in done.stderr, sandbox.journal.log()) == (False, [])


def test_a_proxy_that_leads_elsewhere_is_found_out(
    serve: Serve, between: Proxy, here: Machine, tmp_path: Path
) -> None:
    """The server in between has a certificate of its own, of an authority that it made up."""
    forger = sign("hexauth test", is_authority=True)
    forged = sign("server", forger, hosts=("127.0.0.1",))
    elsewhere = serve(approve_after=0, tls=context_of(forged.write(tmp_path / "forged.pem")))
    between.leads_to = ("127.0.0.1", int(elsewhere.url.rpartition(":")[2]))

    done = here.hexauth(*LOGIN)

    assert (done.returncode, b"signed by nobody this machine trusts" in done.stderr) == (6, True)
    assert elsewhere.journal.log() == []


def test_a_proxy_that_is_not_there_is_told(sandbox: Sandbox, here: Machine) -> None:
    done = here.hexauth(*LOGIN, environ={"HTTPS_PROXY": "http://alice:P4SSWORD@127.0.0.1:1"})

    assert (done.returncode, b"the proxy cannot be reached." in done.stderr) == (6, True)
    assert b"P4SSWORD" not in done.stderr


@pytest.mark.parametrize(
    ("known", "code", "said"),
    [(True, 0, b""), (False, 6, b"the proxy cannot be used: its certificate is signed by nobody")],
)
def test_a_proxy_may_itself_speak_tls(
    between: Proxy,
    here: Machine,
    certificate: Path,
    tmp_path: Path,
    known: bool,
    code: int,
    said: bytes,
) -> None:
    own = sign("proxy", is_authority=True, hosts=("127.0.0.1",)).write(tmp_path / "proxy.pem")
    between.tls = context_of(own)
    if known:
        certificate.write_bytes(certificate.read_bytes() + own.read_bytes())
    here.environ["HTTPS_PROXY"] = here.environ["HTTPS_PROXY"].replace("http:", "https:")

    done = here.hexauth(*LOGIN)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
