"""A proxy beside a command: started before it, gone when it has ended.

The command takes the place of this process, execve(2), so that terminal, process group, signals
and exit code are its own. The proxy is a grandchild, which nobody waits for, and imports what it
needs when the first connection comes: a command that fetches nothing costs two forks.
"""

import _socket  # socket takes 6 ms
import os

from hexauth.machine import trace
from hexauth.machine.programs import SECRETS

TYPE_CHECKING = False  # as in `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Serve = Callable[["_socket.socket"], object]

LOOPBACKS = ("127.0.0.1", "::1")
"""The addresses that no other machine reaches; the first one unless another is wanted."""


def listen(address: str = LOOPBACKS[0], port: int = 0) -> "_socket.socket":
    """Return a socket that listens on loopback; port 0 is a free one. Raises OSError."""
    family = _socket.AF_INET6 if ":" in address else _socket.AF_INET
    listener = _socket.socket(family, _socket.SOCK_STREAM)
    try:
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def new_secret() -> str:
    """Return 256 bits of randomness, as a part of a path."""
    return os.urandom(32).hex()


def base(listener: "_socket.socket", secret: str) -> str:
    """Return the address of the proxy, secret included."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/{secret}"


def variables(base_url: str, secret: str) -> "dict[str, str]":
    """Return what points programs at the proxy: mix at both, rebar3 at the repository.

    mix and rebar3 want a key before they call the API; the secret is good for nothing else.
    """
    return {
        "HEX_API_URL": f"{base_url}/api",
        "HEX_TRUSTED_MIRROR_URL": f"{base_url}/repo",
        "HEX_CDN": f"{base_url}/repo",
        "HEX_API_KEY": secret,
    }


PATIENCE = {"HEX_HTTP_TIMEOUT": "660"}
"""How many seconds mix waits for an answer; its own 15 are too few for a person who logs in."""

MIRRORS = ("HEX_API", "HEX_MIRROR", "HEX_MIRROR_URL", "HEX_TRUSTED_MIRROR")
"""Older or stronger names of what `variables` sets."""


def environment(environ: "Mapping[str, str]", base_url: str, secret: str) -> "dict[str, str]":
    """Return the environment of a command that goes through the proxy: no credential reaches it."""
    rest = {key: value for key, value in environ.items() if key not in (*SECRETS, *MIRRORS)}
    return {**PATIENCE, **rest, **variables(base_url, secret), **straight(environ)}


def straight(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Return what keeps programs from asking a company's proxy for ours, secret and all."""
    names = ("NO_PROXY", "no_proxy")
    if not any(
        environ.get(name) for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    ):
        return {}
    given = [environ[name] for name in names if environ.get(name)]
    return dict.fromkeys(names, ",".join([*given, *LOOPBACKS]))


def leave_proxy() -> None:
    """Forget the proxy that this process goes through, if there is one: it holds the credential."""
    url, end = os.environ.get("HEX_API_URL", ""), f"/{os.environ.get('HEX_API_KEY') or '/'}/api"
    if url.endswith(end):
        for name in variables(url.removesuffix("/api"), ""):
            os.environ.pop(name, None)


def beside(listener: "_socket.socket", serve: "Serve", pid: int) -> None:
    """Let a grandchild `serve` what comes to `listener`, until the process `pid` has ended.

    It has no standard streams, but to tell of its work, no file of this process's, and is in a
    process group of its own, so that what the terminal sends goes to the command alone. Raises
    OSError.
    """
    watched = watch(pid)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os.close(watched)
        listener.close()
        return
    try:
        _detach(listener.fileno(), watched)  # before anybody can be told that it is there
        if os.fork() == 0:
            _wait(listener, watched)
            serve(listener)
    finally:
        os._exit(0)


def watch(pid: int) -> int:
    """Return a descriptor that can be read once the process `pid` has ended. Raises OSError."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    import select  # macOS

    kqueue: Any = select
    queue, note = kqueue.kqueue(), (kqueue.KQ_EV_ADD, kqueue.KQ_NOTE_EXIT)
    queue.control([kqueue.kevent(pid, kqueue.KQ_FILTER_PROC, *note)], 0)
    return os.dup(queue.fileno())


def owner() -> int:
    """Return the process whose command this is: a copy of it, made for `$(…)`, counts as itself."""
    pid = os.getppid()
    above, here = _parent(pid)
    return above if here and here == _parent(above)[1] else pid


def _parent(pid: int) -> "tuple[int, list[bytes]]":
    """Return a process's parent, and where its arguments lie, which a copy shares (proc(5))."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  (pathlib takes 5 ms)
            fields = file.read().rpartition(b")")[2].split()
    except OSError:  # another system than Linux, or it has gone
        return 0, []
    return int(fields[1]), fields[45:49]


def _detach(listener: int, watched: int) -> None:
    import signal

    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # what it has to say, it says at once
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(2 if trace.is_on() else 3):
        os.dup2(nowhere, descriptor)
    low, high = sorted((listener, watched))
    for first, last in ((3, low), (low + 1, high), (high + 1, os.sysconf("SC_OPEN_MAX"))):
        os.closerange(first, last)


def _wait(listener: "_socket.socket", watched: int) -> None:
    """Wait for the first connection; the end of what is watched is the end, now and later."""
    import select
    from _thread import start_new_thread

    ready, _, _ = select.select([listener.fileno(), watched], [], [])
    if watched in ready:
        os._exit(0)
    same = _socket.socket(fileno=os.dup(listener.fileno()))
    start_new_thread(_end_with, (same, watched))


def _end_with(listener: "_socket.socket", watched: int) -> None:
    """Close the port as soon as what is `watched` has ended, and end with the last renewal."""
    import select

    select.select([watched], [], [])
    listener.shutdown(_socket.SHUT_RDWR)
    from hexauth.machine.signals import let_finish

    let_finish()
    os._exit(0)


def plain(words: "Sequence[str]") -> "Sequence[str]":
    """Return the command of an `exec` that names nothing else; none if there is more to it."""
    first = words[1:].index("--") + 1 if "--" in words[1:] else len(words)
    is_plain = words[:1] == ["exec"] and words[1:first] in ([], ["hexpm"])
    return words[first + 1 :] if is_plain and hasattr(os, "fork") else []


def run(command: "Sequence[str]") -> None:
    """Run `command` in place of this process, with a proxy beside it.

    Return if it is not to be found by an absolute path: that takes more words. Raises OSError.
    """
    program = _find(command[0], os.environ.get("PATH", os.defpath))
    if not program:
        return
    environ = proxied(os.environ, {}, None)
    trace.tell(f"running {program} in place of this process, with a proxy beside it")
    import signal

    for name in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these
        signal.signal(name, signal.SIG_DFL)
    os.execve(program, list(command), environ)  # noqa: S606  (what this is for)


def proxied(
    environ: "Mapping[str, str]", flags: "Mapping[str, object]", ask: bool | None
) -> "dict[str, str]":
    """Start a proxy beside this process, and return the environment that points at it.

    `flags` are settings that were given as options, `ask` is `--login/--no-login`. Raises OSError.
    """
    listener, secret = listen(), new_secret()
    address = base(listener, secret)
    serve = server(address, flags, ask, os.getpid())
    if hasattr(os, "fork"):
        beside(listener, serve, os.getpid())
    else:  # Windows, where the command runs beside this process
        import threading

        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    return environment(environ, address, secret)


def server(
    address: str, flags: "Mapping[str, object]", ask: bool | None, beside: int = 0
) -> "Serve":
    """Return what serves at `address`, which is the proxy's own, secret included, for ever.

    `beside` is the process that it is there for, if there is one.
    """

    def serve(listening: "_socket.socket") -> None:
        from hexauth.proxy.serving import serve_home  # all that a request needs

        serve_home(listening, address, flags, ask, beside)

    return serve


def _find(program: str, path: str) -> str:
    """Return the first file of that name in an absolute folder of `path`, if it can be run."""
    folders = [each for each in path.split(os.pathsep) if each.startswith("/")]
    names = [program] if os.sep in program else [f"{each}/{program}" for each in folders]
    return next((each for each in names if os.access(each, os.X_OK) and not _is_folder(each)), "")


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  (pathlib takes 5 ms)
