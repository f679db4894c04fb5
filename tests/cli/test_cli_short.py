"""What a tool has stored, answered with few imports: the same bytes as by the longer way."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from hexauth.vault.quick import BUS
from tests.cli.test_cli_hot import imports
from tests.conftest import Machine, Serve, outcome
from tests.secret_service import lock, unlock

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="there is no short way elsewhere"
)

GIT, DOCKER = ("git-credential-hexauth", "get"), ("docker-credential-hexauth", "get")

HOST = b"protocol=https\nhost=git.test\n"
EVERY = b"username=%s\npassword=%s\n"

STORED = [
    HOST + b"path=a.git\n" + EVERY % (b"bob", b"of a"),
    HOST + b"path=old.git\n" + EVERY % (b"me", b"old") + b"password_expiry_utc=1\n",
    HOST + EVERY % (b"me", b"S3CRET"),
    b"protocol=https\nhost=git.test:8443\n" + EVERY % (b"me", b"another port"),
    b"protocol=https\nhost=GIT.test\n" + EVERY % (b"me", b"capitals"),
    b"protocol=http\nhost=git.test\n" + EVERY % (b"me", b"http"),
    b"protocol=smtp\nhost=mail.test:25\n" + EVERY % (b"me", b"mail"),
    b"protocol=https\nhost=bytes.test\n" + EVERY % (b"\xff\xfe", b"\xe9t\xe9 \\ ' \""),
    b"protocol=https\nhost=b\xfc.test\n" + EVERY % (b"me", b"latin"),
    b"protocol=https\nhost=told.test\n" + EVERY % (b"me", b"told"),
    b"protocol=https\nhost=long.test\n" + EVERY % (b"me", b"x" * 60000),
    b"protocol=https\nhost=both.test\n" + EVERY % (b"me", b"basic"),
    b"protocol=https\nhost=both.test\ncapability[]=authtype\nauthtype=Negotiate\n"
    b"credential=ticket\noauth_refresh_token=again\npassword_expiry_utc=99999999999\n",
    b"protocol=cert\npath=/a.pem\nhost=\n" + EVERY % (b"me", b"nothing"),
]
"""What tools have stored, as git sends it."""

SERVERS = ["https://docker.test", "docker.test:5000", "ghcr.test", "https://index.test/v1/"]


def docker(server: str) -> bytes:
    return json.dumps({"ServerURL": server, "Username": "me", "Secret": server}).encode()


REQUESTS: list[tuple[tuple[str, ...], bytes]] = [
    *(
        (GIT, HOST + more)
        for more in (
            b"", b"\n", b"path=a.git\n", b"path=b.git\n", b"path=old.git\n", b"username=me\n",
            b"username=bob\n", b"username=nobody\n", b"username=\n", b"path=\n",
            b"capability[]=authtype\n", b"wwwauth[]=Basic realm=x\nstate[]=y\n", b"password=p\n",
            b"host=other.test\n", b"url=https://git.test/a.git\n", b"protocol=http\n",
            b"nonsense\n", b"username=m\re\n", b"username=me\r\n", b"path=a\0b\n", b"\nmore=x\n",
            b"path=a.git", b"path=" + b"x" * 66000 + b"\n",
        )
    ),
    *(
        (GIT, request)
        for request in (
            b"", b"\n", b"protocol=https\n", b"host=git.test\n", b"protocol=\nhost=git.test\n",
            b"protocol=https\nhost=\n", b"protocol=https\nhost=git.test:8443\n",
            b"protocol=https\nhost=git.test:443\n", b"protocol=https\nhost=GIT.test\n",
            b"protocol=HTTPS\nhost=git.test\n", b"protocol=http\nhost=git.test\n",
            b"protocol=https\nhost=git.test.\n", b"protocol=https\nhost=evil@git.test\n",
            b"protocol=smtp\nhost=mail.test:25\n", b"protocol=smtp\nhost=nobody.test\n",
            b"protocol=https\nhost=bytes.test\n", b"protocol=https\nhost=b\xfc.test\n",
            b"protocol=https\nhost=told.test\n", b"protocol=https\nhost=told-only.test\n",
            b"protocol=https\nhost=nobody.test\n", b"protocol=https\nhost=long.test\n",
            b"protocol=https\nhost=hex.pm\n", b"protocol=https\nhost=mine.test\n",
            b"protocol=https\nhost=both.test\n", b"protocol=cert\nhost=\npath=/a.pem\n",
            b"protocol=https\nhost=both.test\ncapability[]=authtype\n",
            b"protocol=https\nhost=both.test\ncapability[]=authtype\ncapability[]=\n",
            b"protocol=file\nhost=x\n", b"protocol=docker\nhost=ghcr.test\n",
            b"protocol=https\nhost=git.test\\\n", b"protocol=https\nhost=[::1]:80\n",
        )
    ),
    *((("hexauth", "get", "--format", form), HOST) for form in ("token", "header", "env", "curl")),
    (("hexauth", "get", "--format", "json"), HOST),
    (("hexauth", "get", "--format", "header"), b"protocol=https\nhost=both.test\n"),
    (("hexauth", "get", "--format", "env"), b"protocol=https\nhost=bytes.test\n"),
    (("hexauth", "get", "--no-login"), HOST),
    *(
        (("hexauth", "get", url, "--no-login", *more), b"")
        for url in (
            "https://git.test", "https://git.test/", "https://git.test/a.git",
            "https://git.test/a.git/", "https://git.test//a.git", "https://git.test/%61.git",
            "https://bob@git.test", "https://git.test?x", "https://git.test/#x",
            "https://both.test", "https://git.test:8443/x", "https://nobody.test",
            "https://told-only.test", "HTTPS://git.test", "https://GIT.test", "https://",
            "http://git.test", "http://127.0.0.1/x", "smtp://mail.test:25",
        )
        for more in ([], ["--format", "token"])
    ),
    *(
        (DOCKER, request.encode())
        for request in (
            *SERVERS, "https://docker.test\n", " ghcr.test ", "https://ghcr.test", "nobody.test",
            "https://nobody.test/v1/", "http://nobody.test", "hex.pm", "https://hex.pm/api",
            "https://told-only.test", "told-only.test:443", "me@nobody.test", "a b", "\x1b[2J", "",
            "https://", "nöbody.test", "x" * 70000, "[::1]:5000", "localhost:5000", "HEX.pm",
        )
    ),
    (DOCKER, b"\xff"),
    (("docker-credential-hexauth", "get", "more"), b"ghcr.test"),
]  # fmt: skip
"""One table: each request is answered alike on both ways."""

CONFIG = '[repositories.mine]\nurl = "https://mine.test/repo"\n'

TOLD = '[credential "https://{}.test"]\n\toauthClientId = one\n'


def filled(here: Machine) -> None:
    """Store everything on a machine where git was told of OAuth servers."""
    (here.home / ".gitconfig").write_text(TOLD.format("told") + TOLD.format("told-only"))
    (here.home / "hexauth").mkdir(mode=0o700)
    (here.home / "hexauth/config.toml").write_text(CONFIG)
    for request in STORED:
        assert here.prepare("git-credential-hexauth", "store", give=request).returncode == 0
    for server in SERVERS:
        done = here.prepare("docker-credential-hexauth", "store", give=docker(server))
        assert done.returncode == 0


@pytest.fixture(scope="module")
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Machine]]:
    """Make a machine with a file vault, or with a Secret Service, in which all that is stored.

    It comes with a copy of its home: every test finds that as it was.
    """
    folder = tmp_path_factory.mktemp("stored")
    found = Machine(folder / "home", "")
    found.home.mkdir()
    found.environ["HEXAUTH_VAULT"] = request.param
    del found.environ["HEX_API_URL"]
    with ExitStack() as stack:
        if request.param == "keyring":
            service = request.getfixturevalue("secret_service")("password")
            found.environ[BUS] = stack.enter_context(service)[0][BUS]
        filled(found)
        shutil.copytree(found.home, folder / "as it was")
        yield folder / "as it was", found


@pytest.fixture
def here(stored: tuple[Path, Machine], memory: str) -> Machine:
    """Return that machine, with a note of its surroundings."""
    home, machine = stored
    shutil.rmtree(machine.home)
    shutil.copytree(home, machine.home)
    found = Machine(machine.home, "")
    found.environ = {**machine.environ, "XDG_RUNTIME_DIR": memory}
    found.run(*GIT, give=HOST)
    return found


on_both_vaults = pytest.mark.parametrize("stored", ["file", "keyring"], indirect=True)
on_file = pytest.mark.parametrize("stored", ["file"], indirect=True)
on_keyring = pytest.mark.parametrize("stored", ["keyring"], indirect=True)


def notes(here: Machine) -> list[Path]:
    return list((here.home / "hexauth/state/front").glob("*,note"))


def distrust(here: Machine) -> None:
    """Make what was noted of the surroundings unusable: whoever comes takes the longer way."""
    for note in notes(here):
        note.chmod(0o644)


def took_short_way(here: Machine, words: tuple[str, ...] = GIT, give: bytes = HOST) -> bool:
    """Tell whether a request is answered without the rooms of logins, servers and HTTP."""
    done = here.run(*words, give=give, environ={"PYTHONPROFILEIMPORTTIME": "1"})
    return "hexauth.credentials.sources" not in imports(done)


@pytest.mark.anew
@on_both_vaults
def test_every_request_gets_the_same_bytes_on_both_ways(here: Machine) -> None:
    """Exit code, standard output and standard error."""

    def shorter(words: tuple[str, ...], give: bytes) -> object:
        return outcome(here.run(*words, give=give))

    def longer(words: tuple[str, ...], give: bytes) -> object:
        distrust(here)  # the one before has noted it again
        return outcome(here.prepare(*words, give=give))

    with ThreadPoolExecutor(3) as some_at_a_time:
        short = list(some_at_a_time.map(shorter, *zip(*REQUESTS, strict=True)))
    assert took_short_way(here)

    long = [longer(*each) for each in REQUESTS]

    assert len(short) == len(REQUESTS)
    assert [each for each in zip(REQUESTS, short, long, strict=True) if each[1] != each[2]] == []


EVERY_DOOR = "credentials credentials.short hot lean_json model vault vault.drawers vault.quick"
FROM_KEYRING = {"hexauth.vault.bus", "_socket", "fcntl"}


@on_both_vaults
@pytest.mark.parametrize(
    ("words", "give", "more"),
    [
        (GIT, HOST, "protocols protocols.git"),
        (DOCKER, b"ghcr.test", "protocols protocols.docker errors"),
        (
            ("hexauth", "get", "https://git.test", "--format", "token"),
            b"",
            "protocols protocols.shell errors",
        ),
    ],
    ids=["git", "docker", "URL"],
)
def test_a_stored_password_imports_exactly_this(
    here: Machine, words: tuple[str, ...], give: bytes, more: str
) -> None:
    environ = {"PYTHONPROFILEIMPORTTIME": "1"}
    bare = imports(here.run(sys.executable, "-c", "pass", environ=environ))

    found = imports(here.run(*words, give=give, environ=environ)) - bare

    ours = {f"hexauth.{name}" for name in f"{EVERY_DOOR} {more}".split()}
    extra = FROM_KEYRING if here.environ["HEXAUTH_VAULT"] == "keyring" else set()
    assert found == {"hexauth", "_json", *ours, *extra}


@on_file
@pytest.mark.parametrize(
    ("words", "give"),
    [(GIT, b"protocol=https\nhost=nobody.test\n"), (DOCKER, b"nobody.test")],
    ids=["git", "docker"],
)
def test_a_no_takes_the_short_way_too(here: Machine, words: tuple[str, ...], give: bytes) -> None:
    assert took_short_way(here, words, give)


@on_file
def test_a_no_imports_exactly_this(here: Machine) -> None:
    """Git is asked whether it knows of a login that hexauth does not know of."""
    environ = {"PYTHONPROFILEIMPORTTIME": "1"}
    bare = imports(here.run(sys.executable, "-c", "pass", environ=environ))

    found = imports(here.run(*GIT, give=b"protocol=https\nhost=nobody.test\n", environ=environ))

    more = "machine machine.programs protocols protocols.git world world.git_config"
    ours = {f"hexauth.{name}" for name in f"{EVERY_DOOR} {more}".split()}
    assert found - bare == {"hexauth", "_json", "select", *ours}


def _as_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _in_an_open_folder(path: Path) -> None:
    path.parent.chmod(0o770)


@on_file
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o640),
        lambda path: path.write_text("nonsense"),
        lambda path: path.write_text('{"version": 2, "entries": {}}'),
        lambda path: path.write_text('{"version": 1, "entries": []}'),
        lambda path: path.write_text('{"version": 1, "cipher": "AES-256-GCM"}'),
        lambda path: path.write_text(path.read_text().replace("S3CRET", "S3CRET\\\\n")),
        _as_link,
        _in_an_open_folder,
    ],
    ids=["mode", "nonsense", "version", "list", "sealed", "drawer", "link", "folder"],
)
def test_a_vault_that_is_not_as_it_must_be_is_left_to_the_rest(
    here: Machine, spoil: Callable[[Path], None]
) -> None:
    """Which says what is wrong with it."""
    vault = here.home / "hexauth/vault/vault.json"
    spoil(vault)

    done = here.run(*GIT, give=HOST)

    distrust(here)
    assert outcome(here.run(*GIT, give=HOST)) == outcome(done)
    assert done.stdout in (b"", b"username=me\npassword=S3CRET\n") or done.returncode == 7


@on_file
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o644),
        lambda path: os.link(path, path.with_name("second")),
        lambda path: path.write_bytes(path.read_bytes()[:60]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"hexauth 1", b"hexauth 0", 1)),
        lambda path: path.write_bytes(path.read_bytes().replace(b"\n300\n", b"\nsoon\n")),
        lambda path: path.write_bytes(path.read_bytes() + b"\nmore"),
        _as_link,
    ],
    ids=["mode", "hard link", "torn", "version", "no number", "longer", "link"],
)
def test_a_note_that_is_not_as_it_must_be_is_not_believed(
    here: Machine, spoil: Callable[[Path], None]
) -> None:
    (note,) = notes(here)
    spoil(note)

    assert not took_short_way(here)
    assert here.run(*GIT, give=HOST).stdout == b"username=me\npassword=S3CRET\n"


@on_file
def test_another_configuration_is_seen_at_once(here: Machine) -> None:
    """Even if a server of the same name is now one of a login."""
    assert took_short_way(here)
    config = here.home / "hexauth/config.toml"
    config.write_text(f'{CONFIG}[servers."https://git.test"]\nclient_id = "one"\n')

    assert [took_short_way(here) for _ in range(2)] == [False, False]
    assert here.run(*GIT, give=HOST).stdout == b"username=me\npassword=S3CRET\n"


@on_file
@pytest.mark.parametrize(
    "environ",
    [
        {"HEXAUTH_MIN_TTL": "10"},
        {"HEX_API_URL": "https://git.test/api"},
        {"HEX_MIRROR_URL": "https://git.test"},
    ],
)
def test_other_surroundings_have_a_note_of_their_own(
    here: Machine, environ: dict[str, str]
) -> None:
    here.environ |= environ

    assert not took_short_way(here)
    assert here.run(*GIT, give=HOST).stdout == b"username=me\npassword=S3CRET\n"
    assert len(notes(here)) == 2


@on_file
def test_where_somebody_has_logged_in_the_login_comes_first(here: Machine, serve: Serve) -> None:
    sandbox = serve(approve_after=0)
    protocol, host = sandbox.url.split("://")
    request = f"protocol={protocol}\nhost={host}\n".encode()
    here.run("git-credential-hexauth", "store", give=request + EVERY % (b"me", b"stored"))
    before = here.run(*GIT, give=request).stdout
    assert here.hexauth("login", sandbox.api_url, "--no-browser").returncode == 0

    after = here.run(*GIT, give=request).stdout

    assert b"password=stored" in before
    assert b"username=oauth2" in after


@on_file
def test_a_key_in_the_environment_does_not_matter_to_what_is_stored(here: Machine) -> None:
    here.environ["HEX_API_KEY"] = "key"

    assert took_short_way(here)


@on_keyring
@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"},
        {"XDG_CURRENT_DESKTOP": "KDE"},
        {"KEYRING_PROPERTY_APPID": "else"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_a_keyring_that_only_keyring_can_choose_is_left_to_it(
    here: Machine, environ: dict[str, str]
) -> None:
    here.environ |= environ
    here.run(*GIT, give=HOST)

    assert not took_short_way(here)
    assert here.run(*GIT, give=HOST).stdout == b"username=me\npassword=S3CRET\n"


@on_keyring
def test_a_keyring_that_keyring_s_own_file_names_is_left_to_it(here: Machine) -> None:
    folder = here.home / ".config/python_keyring"
    folder.mkdir(parents=True)
    backend = "keyring.backends.SecretService.Keyring"
    (folder / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring={backend}\n")

    assert not took_short_way(here)
    assert here.run(*GIT, give=HOST).stdout == b"username=me\npassword=S3CRET\n"


@on_keyring
@pytest.mark.parametrize("address", ["{}", "{},guid=00", "{};unix:path=/nowhere", "tcp:host=x"])
def test_a_bus_at_another_kind_of_address_is_left_to_the_rest(here: Machine, address: str) -> None:
    here.environ[BUS] = address.format(here.environ[BUS])

    assert took_short_way(here) is (";" not in address and "tcp" not in address)


@on_keyring
def test_a_locked_keyring_is_left_to_the_rest(here: Machine) -> None:
    lock(here.environ[BUS])
    done = here.run(*GIT, give=HOST)
    unlock(here.environ[BUS], "password")

    assert (done.returncode, done.stdout) == (7, b"")
    assert b"hexauth: The keyring is locked, and was not unlocked when it asked." in done.stderr


@on_keyring
def test_the_keyring_s_mutex_is_held_while_it_is_asked(here: Machine) -> None:
    """GNOME Keyring loses sight of entries for moments while others are written."""
    mutex = here.home / "hexauth/state/keyring.lock"
    holder = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(1)"
    holder += "; sys.stdout.flush(); sys.stdin.read()"
    words = [sys.executable, "-c", holder, str(mutex)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with here.start(*GIT) as waiting:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.communicate(HOST, timeout=0.5)
            process.communicate()
            out, _ = waiting.communicate(timeout=20)

    assert out == b"username=me\npassword=S3CRET\n"
