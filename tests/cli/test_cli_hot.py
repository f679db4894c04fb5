"""A cached `get`: the same bytes as without a cache, and nothing that is out of date."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from hexauth import hot
from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, outcome
from tests.waiting import until

Make = Callable[[Sandbox], Machine]

OFF = {"HEXAUTH_CACHE": "off"}
TOKEN = ("hexauth", "get", "hexpm", "--format", "token", "--no-login")

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="there is a cache on Linux alone"
)


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    """Start a server that approves every login at once."""
    return serve(approve_after=0)


@pytest.fixture
def here(sandbox: Sandbox, machine: Make, memory: str) -> Machine:
    """Log in on a machine, which fills its cache."""
    found = machine(sandbox)
    found.environ["XDG_RUNTIME_DIR"] = memory
    assert found.hexauth("login", "--no-browser").returncode == 0
    return found


def cached(here: Machine) -> Path:
    """Return the file that holds the cached answers."""
    name = hot.file_name(here.environ)
    assert name is not None
    return Path(here.environ["XDG_RUNTIME_DIR"], "hexauth", name)


def spoil_vault(here: Machine) -> None:
    """Make the vault unreadable, so that the cache alone can answer."""
    (here.home / "hexauth/vault/vault.json").write_text("nonsense")


def answered_from_cache(here: Machine) -> bool:
    """Tell whether the next `get` needs no vault."""
    vault = here.home / "hexauth/vault/vault.json"
    content = vault.read_bytes()
    spoil_vault(here)
    done = here.run(*TOKEN)
    vault.write_bytes(content)
    assert done.returncode in (0, 7)
    return done.returncode == 0


def description(here: Machine, *lines: str) -> bytes:
    """Return git's description of the sandbox, with further lines."""
    protocol, _, host = here.environ["HEX_API_URL"].removesuffix("/api").partition("://")
    return "\n".join([f"protocol={protocol}", f"host={host}", *lines, ""]).encode()


REQUESTS: list[tuple[tuple[str, ...], Callable[[Machine], bytes]]] = [
    *(
        (("hexauth", "get", target, "--format", form), lambda here: b"")
        for target in ("hexpm", "API", "API/packages/a", "API/", "API?page=1", "API/%C3%A4")
        for form in ("git", "token", "header", "json", "env", "curl", "bazel", "facts", "")
    ),
    *((("hexauth", "get", word), lambda here: b"") for word in ("hexpm", "hexpm:acme", "nobody")),
    (("hexauth", "get", "hexpm", "API"), lambda here: b""),
    (("hexauth", "get", "hexpm", "--format"), lambda here: b""),
    (("hexauth", "get", "--", "hexpm"), lambda here: b""),
    (("hexauth", "get", "--format=token", "--no-login", "hexpm"), lambda here: b""),
    (("hexauth", "get", "--format=git-authtype", "hexpm"), lambda here: b""),
    (("hexauth", "get", "hexpm", "--format", "json", "--format", "token"), lambda here: b""),
    (("hexauth", "get", "https://else.test", "--no-login"), lambda here: b""),
    (("hexauth", "get", "http://u:p@127.0.0.1:1", "--no-login"), lambda here: b""),
    *(
        ((door, "get"), lambda here, lines=lines: description(here, *lines))
        for door in ("hexauth", "git-credential-hexauth")
        for lines in (
            (),
            ("",),
            ("", "protocol=other"),
            ("path=api/packages/a",),
            ("username=oauth2",),
            ("username=",),
            ("username=somebody",),
            ("capability[]=authtype", "capability[]=state"),
            ("capability[]=authtype", "capability[]="),
            ("wwwauth[]=Basic realm=hex", "state[]=x"),
            ("host=",),
            ("host=else.test",),
            ("url=https://else.test",),
            ("username=a\rb",),
            ("username=oauth2\r",),
            ("nonsense",),
            ("path",),
            ("wwwauth[]",),
            ("password=p",),
            ("key=" + "x" * 70000,),
        )
    ),
    (("git-credential-hexauth", "--format", "token", "get"), description),
    (("hexauth", "get", "--format", "header"), description),
    (("git-credential-hexauth", "get"), lambda here: b""),
    *(
        (("hexauth-bazel", "get"), lambda here, text=text: text.replace(b"API", api(here)))
        for text in (
            b'{"uri":"API/packages/a"}',
            b'{"uri": "API/packages/a"}\n',
            b'{"uri":"API/packages/a"}\v',
            b'{"uri":"API/packages/a","more":1}',
            b'{"uri":"API\\/packages"}',
            b'{"uri":"https://else.test/"}',
            b'{"uri":"http://else.test/"}',
            b'{"uri":"grpcs://else.test/"}',
            b'{"uri":""}',
            b'{"uri":1}',
            b"[]",
            b"",
        )
    ),
    (("hexauth-bazel", "set"), lambda here: b""),
    (("hexauth-bazel", "get", "more"), lambda here: b""),
]  # fmt: skip


def api(here: Machine) -> bytes:
    return here.environ["HEX_API_URL"].encode()


@pytest.mark.anew
def test_every_request_gets_the_same_bytes_with_and_without_a_cache(here: Machine) -> None:
    """One table, both ways: exit code, standard output and standard error."""
    requests = [
        ([word.replace("API", here.environ["HEX_API_URL"]) for word in words], make(here))
        for words, make in REQUESTS
    ]

    with ThreadPoolExecutor(4) as some_at_a_time:
        cached = list(some_at_a_time.map(lambda each: here.run(*each[0], give=each[1]), requests))
    assert answered_from_cache(here)
    others = [here.prepare(*words, give=given, environ=OFF) for words, given in requests]

    pairs = zip(requests, map(outcome, cached), map(outcome, others), strict=True)
    assert [each for each in pairs if each[1] != each[2]] == []


every_door = pytest.mark.parametrize(
    ("words", "make"),
    [
        (TOKEN, lambda here: b""),
        (("hexauth", "get"), description),
        (("git-credential-hexauth", "get"), description),
        (("hexauth-bazel", "get"), lambda here: b'{"uri":"%s/x"}' % api(here)),
    ],
    ids=["shell", "hexauth", "git", "bazel"],
)


@pytest.mark.anew
@every_door
def test_each_door_answers_from_the_cache_alone(
    here: Machine, words: tuple[str, ...], make: Callable[[Machine], bytes]
) -> None:
    token = here.token()
    spoil_vault(here)

    done = here.run(*words, give=make(here))

    assert (done.returncode, token.encode() in done.stdout, done.stderr) == (0, True, b"")
    assert here.run(*words, give=make(here), environ=OFF).returncode == 7


def _as_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _with_line(number: int, text: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        lines = path.read_bytes().split(b"\n")
        lines[number] = text
        path.write_bytes(b"\n".join(lines))

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o644),
        lambda path: path.chmod(0o400),
        lambda path: os.link(path, path.with_name("second")),
        lambda path: path.write_bytes(path.read_bytes()[:150]),
        lambda path: path.write_bytes(b"\0" * 5000),
        lambda path: path.write_bytes(path.read_bytes() + b"\n" * hot.FILE_BYTES),
        _as_link,
        _as_fifo,
        _with_line(0, b"hexauth 0"),
        _with_line(7, b"99999999999"),
        _with_line(8, b"1"),
        _with_line(8, b"soon"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_not_believed(
    here: Machine, spoil: Callable[[Path], None]
) -> None:
    token = here.token()
    spoil(cached(here))

    assert not answered_from_cache(here)
    assert here.token() == token


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_believed(here: Machine) -> None:
    os.chown(cached(here), 12345, -1)

    assert not answered_from_cache(here)


def test_what_the_answer_depends_on_is_seen(here: Machine) -> None:
    """Another user name, another margin, an API key, and a new config.toml."""
    spoil_vault(here)
    others = [
        {"HEXAUTH_USERNAME": "me"},
        {"HEXAUTH_MIN_TTL": "1"},
        {"HEXAUTH_CLIENT_ID": "other"},
    ]
    found = [here.run(*TOKEN, environ=environ).returncode for environ in others]
    key = here.run(*TOKEN, environ={"HEX_API_KEY": "a key"}).stdout
    (here.home / "hexauth/config.toml").write_text("username = 'me'")

    assert found == [7] * len(others)
    assert (key, here.run(*TOKEN).returncode) == (b"a key\n", 7)


BUDGET = {"hexauth", "hexauth.hot"}
"""All that an answer from the cache may import besides what the interpreter does by itself."""

TAKES_LONG = {"click", "requests", "keyring", "portalocker", "cryptography", "tempfile", "logging"}


def imports(done: "subprocess.CompletedProcess[bytes]") -> set[str]:
    """Return the modules that a process with PYTHONPROFILEIMPORTTIME has imported."""
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


@every_door
def test_an_answer_imports_exactly_this(
    here: Machine, words: tuple[str, ...], make: Callable[[Machine], bytes]
) -> None:
    """The whole program, as it is installed."""
    environ = {"PYTHONPROFILEIMPORTTIME": "1"}
    bare = imports(here.run(sys.executable, "-c", "pass", environ=environ))

    assert imports(here.run(*words, give=make(here), environ=environ)) - bare == BUDGET


def test_a_stored_token_is_answered_without_what_takes_long(here: Machine) -> None:
    """From the file vault; the Secret Service takes cryptography and threads."""
    done = here.run(*TOKEN, environ={"PYTHONPROFILEIMPORTTIME": "1", **OFF})

    assert {name.partition(".")[0] for name in imports(done)} & TAKES_LONG == set()


@pytest.mark.parametrize("here_too", [True, False], ids=["same session", "another session"])
def test_a_rejected_token_is_not_answered_again(
    sandbox: Sandbox, here: Machine, here_too: bool
) -> None:
    """Even if it is erased by a process that sees another folder in memory."""
    old, folder = here.token(), here.environ["XDG_RUNTIME_DIR"]
    if not here_too:
        del here.environ["XDG_RUNTIME_DIR"]

    here.erase(old)

    here.environ["XDG_RUNTIME_DIR"] = folder
    assert here.token() != old
    assert sandbox.journal.counts()["refresh"] == 1
    assert answered_from_cache(here)


def test_a_new_login_replaces_the_answer(here: Machine) -> None:
    first = here.token()

    here.hexauth("login", "--no-browser", "--force")

    assert here.token() != first
    assert answered_from_cache(here)


def test_after_logout_nothing_is_left_in_memory(here: Machine) -> None:
    token = here.token()

    here.hexauth("logout", "--vault", "file")

    assert here.run(*TOKEN).returncode == 3
    kept = [path for path in cached(here).parent.iterdir() if token in path.read_text()]
    assert kept == []


def test_a_process_that_died_between_vault_and_cache_costs_time_alone(here: Machine) -> None:
    """It has made the mutex's file longer, and never got to writing an answer."""
    token = here.token()
    (mutex,) = (here.home / "hexauth/state").glob("*.token.lock")
    mutex.write_bytes(mutex.read_bytes() + b"\0")

    assert not answered_from_cache(here)
    assert here.token() == token
    assert answered_from_cache(here)


@pytest.mark.parametrize("environ", [OFF, {"XDG_RUNTIME_DIR": "/proc"}])
def test_nothing_is_cached_where_it_is_not_wanted(
    sandbox: Sandbox, logged_in: Make, memory: str, environ: dict[str, str]
) -> None:
    """The folder's mode is not ours to change."""
    Path(memory, "hexauth").mkdir(mode=0o755)
    machine = logged_in(sandbox)
    machine.environ.update({"XDG_RUNTIME_DIR": memory, **environ})
    machine.token()

    assert list(Path(memory, "hexauth").iterdir()) == []


def test_an_api_key_without_an_end_stays_out_of_memory(
    sandbox: Sandbox, machine: Make, memory: str
) -> None:
    here = machine(sandbox)
    here.environ["XDG_RUNTIME_DIR"] = memory
    key = sandbox.hexpm.add_key("api repositories")
    here.hexauth("login", "--with-token", give=key.encode())

    assert here.token() == here.token() == key
    assert [path for path in Path(memory, "hexauth").iterdir() if key in path.read_text()] == []


def test_a_closed_pipe_is_no_traceback(here: Machine) -> None:
    with here.start(*TOKEN, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert (process.wait(), said) == (1, b"")


@pytest.mark.parametrize("environ", [{}, OFF], ids=["cached", "not cached"])
def test_a_full_disk_is_told_in_two_lines(here: Machine, environ: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        process = here.start(*TOKEN, stdout=full, environ=environ)
    with process:
        _, said = process.communicate()

    assert (process.returncode, len(said.splitlines())) == (1, 2)


@pytest.mark.parametrize("environ", [{}, OFF], ids=["cached", "not cached"])
@pytest.mark.parametrize(
    ("command", "ended"),
    [
        ("hexauth get hexpm --format token >&-", (1, 2)),
        ("hexauth get <&-", (0, 0)),
        ("git-credential-hexauth get <&-", (0, 0)),
        ("hexauth store <&-", (0, 0)),
        ("hexauth erase <&-", (0, 0)),
        ("hexauth-bazel get <&-", (1, 1)),
    ],
)
def test_a_closed_stream_is_no_fault_of_ours(
    here: Machine, command: str, ended: tuple[int, int], environ: dict[str, str]
) -> None:
    """A request that is not there is an empty one."""
    done = here.run("sh", "-c", command, environ=environ)

    assert (done.returncode, len(done.stderr.splitlines())) == ended
    assert b"nobody expected" not in done.stderr


def test_a_caller_that_keeps_the_pipe_open_is_answered(here: Machine) -> None:
    """An empty line ends git's description."""
    with here.start("hexauth", "get") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(description(here) + b"\n")
        process.stdin.flush()

        assert process.stdout.readline() == b"username=oauth2\n"
        process.stdin.close()


def test_one_of_a_crowd_refreshes_and_the_others_import_nothing(
    sandbox: Sandbox, here: Machine
) -> None:
    """With an empty memory; those who come while the first is at it answer from what it leaves."""
    old = here.token()
    here.erase(old)
    cached(here).unlink(missing_ok=True)
    sandbox.faults.add(parse("slow:3@refresh"))
    environ = {"PYTHONPROFILEIMPORTTIME": "1"}

    with ExitStack() as stack:
        first = stack.enter_context(here.start(*TOKEN, environ=environ))
        until(lambda: sandbox.journal.counts()["refresh"] == 1)
        others = [stack.enter_context(here.start(*TOKEN, environ=environ)) for _ in range(12)]
        answers = [process.communicate(timeout=60) for process in (first, *others)]

    assert {out for out, _ in answers} == {answers[0][0]} != {old.encode() + b"\n"}
    assert sandbox.journal.counts()["refresh"] == 1
    assert [b" hexauth.errors" in err for _, err in answers] == [True] + [False] * 12


def test_ctrl_c_while_waiting_for_another_process_ends_at_once(here: Machine) -> None:
    import fcntl
    import signal

    here.erase(here.token())
    (mutex,) = (here.home / "hexauth/state").glob("*.token.lock")
    with mutex.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with here.start(*TOKEN) as process:
            until(lambda: f" {process.pid} " in Path("/proc/locks").read_text())
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)

    assert (process.returncode, len(said.splitlines())) == (130, 1)
