"""Whom is trusted: the system, and whoever the settings name besides."""

import os
import ssl
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import requests
import truststore

from hexauth.errors import UsageError
from hexauth.sandbox.serve import Sandbox
from hexauth.world.http import open_session, trusted_by
from hexauth.world.settings import Settings, load
from hexauth.world.trust import FALLBACK, SYSTEM, Store, Trust
from tests.authorities import Signed, sign
from tests.conftest import Machine, Serve, context_of, need

Make = Callable[[Sandbox], Machine]

LOGIN = ("login", "--no-browser")
VARIABLES = ("HEX_CACERTS_PATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PLATFORMS = ("linux", "darwin")


def settings(**environ: object) -> Settings:
    return load({name: str(value) for name, value in environ.items()}, Path("/nowhere.toml"))


@pytest.fixture
def root() -> Signed:
    """Make an authority."""
    return sign("Test Root", is_authority=True)


@pytest.fixture
def bundle(root: Signed, tmp_path: Path) -> Path:
    """Write its certificate to a file."""
    return write(tmp_path / "root.pem", root)


@pytest.fixture
def sandbox(serve: Serve, root: Signed, tmp_path: Path) -> Sandbox:
    """Start a server whose certificate it has signed."""
    signed = sign("server", root, hosts=("127.0.0.1",))
    return serve(approve_after=0, tls=context_of(signed.write(tmp_path / "server.pem")))


def write(path: Path, *authorities: Signed) -> Path:
    path.write_bytes(b"".join(each.pem for each in authorities))
    return path


def folder(path: Path, *authorities: Signed, hashed: bool = False) -> Path:
    """Make a folder of certificates, which OpenSSL finds there by itself if it is `hashed`."""
    path.mkdir()
    (path / "README").write_text("Authorities of ours.")
    for n, each in enumerate(authorities):
        write(path / f"{n}.pem", each)
    if hashed:
        subprocess.run([need("openssl", "openssl"), "rehash", path], check=True)
    return path


def reached(sandbox: Sandbox, trust: Trust) -> bool:
    """Tell whether a session trusts the server."""
    with open_session(settings(), trust) as session:
        try:
            return session.get(sandbox.url).status_code < 500
        except requests.exceptions.SSLError:
            return False


@pytest.mark.parametrize("variable", VARIABLES)
def test_authorities_are_added_by_each_variable(
    sandbox: Sandbox, machine: Make, bundle: Path, variable: str
) -> None:
    done = machine(sandbox).hexauth(*LOGIN, environ={variable: str(bundle)})

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("hashed", [False, True], ids=["plain", "hashed"])
@pytest.mark.parametrize("variable", ["HEX_CACERTS_PATH", "SSL_CERT_DIR"])
def test_authorities_are_added_by_folders(
    sandbox: Sandbox,
    machine: Make,
    root: Signed,
    tmp_path: Path,
    variable: str,
    hashed: bool,
) -> None:
    made = folder(tmp_path / "authorities", sign("Other", is_authority=True), root, hashed=hashed)

    done = machine(sandbox).hexauth(*LOGIN, environ={variable: str(made)})

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_variable_adds_to_the_others(
    sandbox: Sandbox, bundle: Path, tmp_path: Path, platform: str
) -> None:
    others = [write(tmp_path / f"{n}.pem", sign(f"{n}", is_authority=True)) for n in range(3)]
    places = (others[0], bundle, others[1], others[2])
    chosen = settings(**dict(zip(VARIABLES, places, strict=True)))

    assert reached(sandbox, Trust(chosen, platform=platform))
    assert not reached(sandbox, Trust(settings(HEX_CACERTS_PATH=others[0]), platform=platform))


def test_a_list_of_folders_may_name_some_that_are_not_there(
    sandbox: Sandbox, root: Signed, tmp_path: Path
) -> None:
    """So it is for OpenSSL itself, and the variable is often set for a whole system."""
    made = folder(tmp_path / "authorities", root)
    empty = tmp_path / "empty"
    empty.mkdir()

    assert reached(
        sandbox, Trust(settings(SSL_CERT_DIR=os.pathsep.join(map(str, ("/nowhere", empty, made)))))
    )
    assert not reached(sandbox, Trust(settings(SSL_CERT_DIR="/nowhere")))


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_certificates_that_are_not_there_are_told_by_their_variable(
    tmp_path: Path, variable: str, content: bytes | None
) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    trust = Trust(settings(**{variable: path}))

    with pytest.raises(UsageError) as caught:
        _ = trust.context

    assert str(caught.value) == f"There are no certificates at {path}."
    assert caught.value.hint.startswith(f"Correct ${variable}, ")


def test_a_folder_without_certificates_is_told(tmp_path: Path) -> None:
    made = folder(tmp_path / "authorities")

    with pytest.raises(UsageError, match="There are no certificates at"):
        _ = Trust(settings(HEX_CACERTS_PATH=made)).context


def test_an_authority_below_the_root_will_do(serve: Serve, root: Signed, tmp_path: Path) -> None:
    """Whoever trusts it need not know who has signed it, on any Python."""
    between = sign("between", root, is_authority=True)
    signed = sign("server", between, hosts=("127.0.0.1",))
    sandbox = serve(tls=context_of(signed.write(tmp_path / "server.pem", between)))

    assert reached(sandbox, Trust(settings(HEX_CACERTS_PATH=write(tmp_path / "b.pem", between))))


def test_certificates_are_read_once(sandbox: Sandbox, bundle: Path) -> None:
    """Sessions share them, and a file that is gone by the second connection is not missed."""
    trust = Trust(settings(HEX_CACERTS_PATH=bundle, SSL_CERT_FILE=bundle))

    assert reached(sandbox, trust)
    bundle.unlink()
    assert reached(sandbox, trust)


def test_requests_of_its_own_accord_trusts_nobody_more(
    sandbox: Sandbox, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables count as settings, but not where a session was told whom to trust."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    assert not reached(sandbox, Trust(settings()))


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_system_is_asked_by_truststore_where_it_keeps_no_files(platform: str) -> None:
    trust = Trust(settings(), platform=platform)

    assert trust.stores == (Store(SYSTEM, ()),)
    assert isinstance(trust.context, truststore.SSLContext)


def test_old_versions_of_tls_are_not_spoken() -> None:
    assert [
        Trust(settings(**more), platform=platform).context.minimum_version
        for platform in PLATFORMS
        for more in ({}, {"HEX_UNSAFE_HTTPS": 1})
    ] == [ssl.TLSVersion.TLSv1_2] * 4


def test_it_is_told_which_stores_trust_a_server(
    sandbox: Sandbox, bundle: Path, tmp_path: Path
) -> None:
    other = write(tmp_path / "other.pem", sign("Other", is_authority=True))
    chosen = settings(HEX_CACERTS_PATH=other, SSL_CERT_FILE=bundle, CURL_CA_BUNDLE=bundle)

    assert trusted_by(chosen, sandbox.url) == (
        Store("$SSL_CERT_FILE", (bundle,)),
        Store("$CURL_CA_BUNDLE", (bundle,)),
    )


class System:
    """A system whose certificates lie where a test puts them, for one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounts: dict[Path, Path] = {}

    def words(self, *words: str) -> list[str]:
        """Return what runs a command there: the mounts are its own, and nobody else sees them."""
        binds = "".join(f"mount --bind {mine} {its} && " for its, mine in self.mounts.items())
        own = ("unshare", "--map-root-user", "--mount", "sh", "-c")
        return [*own, f'{binds}exec "$@"', "-", *words]


@pytest.fixture
def system(tmp_path: Path) -> System:
    """Return a system without any authority, not even those that certifi brings along."""
    made = System(tmp_path)
    if subprocess.run(made.words("true"), capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody may mount anything here, not even for a process alone")
    import certifi

    empty = tmp_path / "nothing"
    empty.mkdir()
    unknown = write(tmp_path / "unknown.pem", sign("Nobody", is_authority=True))
    tops = [Path(each) for each in ("/etc/ssl", "/etc/pki", "/usr/lib/ssl") if Path(each).is_dir()]
    made.mounts = {**dict.fromkeys(tops, empty), Path(certifi.where()): unknown}
    return made


def shown(system: System, here: Machine) -> Mapping[str, object]:
    """Log in on that system; return the exit code and what is trusted."""
    script = (
        "from pathlib import Path\n"
        "from hexauth.world.settings import load\n"
        "from hexauth.world.trust import Trust\n"
        "print(Trust(load({}, Path('/nowhere'))).stores[0].source)"
    )
    done = here.run(*system.words("hexauth", *LOGIN))
    source = here.run(*system.words("python", "-c", script))
    return {"code": done.returncode, "source": source.stdout.decode().strip(), "said": done.stderr}


def test_a_system_without_authorities_has_those_of_certifi(
    system: System, sandbox: Sandbox, machine: Make, bundle: Path
) -> None:
    """As in a slim container."""
    import certifi

    here = machine(sandbox)

    without = shown(system, here)
    system.mounts[Path(certifi.where())] = bundle
    found = shown(system, here)

    assert (without["code"], found["code"], found["source"]) == (6, 0, FALLBACK), found


@pytest.mark.parametrize("place", ["certs/ca-certificates.crt", "ca-bundle.pem", "cert.pem"])
def test_a_system_s_authorities_are_trusted(
    system: System, sandbox: Sandbox, machine: Make, bundle: Path, place: str
) -> None:
    """In a file, wherever a distribution keeps it."""
    top = system.mounts[Path("/etc/ssl")]
    (top / place).parent.mkdir(exist_ok=True)
    (top / place).write_bytes(bundle.read_bytes())

    found = shown(system, machine(sandbox))

    assert (found["code"], found["source"]) == (0, SYSTEM), found


def test_a_system_s_folder_is_trusted(
    system: System, sandbox: Sandbox, machine: Make, root: Signed, tmp_path: Path
) -> None:
    """In the folder in which Python's OpenSSL was built to look."""
    built_in = Path(ssl.get_default_verify_paths().openssl_capath)
    if not built_in.is_dir():
        pytest.skip(f"there is no {built_in}")
    system.mounts = {built_in: folder(tmp_path / "certs", root, hashed=True)}

    found = shown(system, machine(sandbox))

    assert (found["code"], found["source"]) == (0, SYSTEM), found


def test_what_is_added_does_not_replace_the_system(
    system: System, sandbox: Sandbox, machine: Make, bundle: Path, tmp_path: Path
) -> None:
    (system.mounts[Path("/etc/ssl")] / "cert.pem").write_bytes(bundle.read_bytes())
    other = write(tmp_path / "other.pem", sign("Other", is_authority=True))
    here = machine(sandbox)
    here.environ |= dict.fromkeys(VARIABLES, str(other))

    assert shown(system, here)["code"] == 0
