"""Answers a cached `get` before anything else is imported: os, sys and time alone.

`hexauth.memory.answers` writes what is read here; `hexauth.memory.waiting` waits for it. This
module gives the same bytes as the rest, or none. Linux alone has a user's own folders in memory.
"""

import os
import sys
import time

VERSION = b"hexauth 1"
"""The first line of every file here; another layout gets another number."""

KEYS = (  # noqa: SIM905  (a list would be four times as long)
    "HOME HEXAUTH_HOME XDG_CONFIG_HOME PYTHON_KEYRING_BACKEND HEXAUTH_CACHE HEXAUTH_VAULT "
    "HEXAUTH_VAULT_TIMEOUT HEXAUTH_MIN_TTL HEX_API_URL HEX_API HEXAUTH_CLIENT_ID HEXAUTH_USERNAME "
    "HEXAUTH_ALLOW_HTTP HEXAUTH_ACCOUNT HEX_MIRROR_URL HEX_MIRROR HEX_TRUSTED_MIRROR_URL "
    "HEX_TRUSTED_MIRROR HEX_HTTP_TIMEOUT HEXAUTH_CACHE_STORED"
).split()
"""Variables that an answer, or its being one, depends on: their values name the file."""

TEXTS = (  # noqa: SIM905
    "CI HEXAUTH_NO_LOGIN HEXAUTH_NOTIFY HEXAUTH_QR HEXAUTH_BROWSER HEXAUTH_SCREEN HEXAUTH_SCOPE "
    "HEXAUTH_PASSPHRASE HEXAUTH_PASSPHRASE_FILE HEXAUTH_PASSPHRASE_COMMAND HEX_OTP HEX_OFFLINE "
    "HEX_CACERTS_PATH SSL_CERT_FILE HEX_HOME SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE "
    "HEX_UNSAFE_HTTPS HEXAUTH_VERBOSE HTTPS_PROXY https_proxy NO_PROXY no_proxy"
).split()
"""Variables that do not matter here, as long as they are texts without control characters."""

FORMS = ("git", "token", "header", "env", "curl")
"""The formats that do not depend on a target's path; no other is cached."""

FILE_BYTES, REQUEST_BYTES, LONG, PRIME = 1 << 18, 65535, 16, 2**127 - 1

NO = ("", "0", "false", "no", "off")
"""How a variable says that something is not so."""

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._~-")
"""Bytes of a path that mean themselves."""


class Front:
    """What was learned on the way to an answer that was not there, for the rest of hexauth."""

    def __init__(self, door: str = "hexauth") -> None:
        self.request: bytes | None = None
        """What has been read from standard input: a whole request, or None if nothing was read."""
        self.plain: tuple[str, str, bool | None] | None = None
        """The target, format and `--login` of a `get` that names nothing else."""
        self.wanted: tuple[bytes, ...] | None = None
        """What `understand` has made of the request."""
        self.seen: dict[str, list[bytes]] = {}
        """The files in memory that could have held the answer, as they were found."""
        self.is_tried, self.name, self.pointer = False, "", list[bytes]()
        """Whether `credentials.short` has had its turn; the file that an answer belongs into."""
        self.records: dict[str, bytes] = {}
        """The records beside a mutex, as they were before this process waited for it."""
        self.interrupted, self.path, self.door = False, "", door
        """Whether Ctrl-C came; the mutex that this process holds, if it has a `descriptor`."""
        self.descriptor: int | None = None
        self.is_verbose = os.environ.get("HEXAUTH_VERBOSE", "").lower() not in NO
        """Whether all that is done is told, which takes the long way."""

    def holds(self, path: str) -> bool:
        """Tell whether this process holds the mutex at `path`."""
        return self.descriptor is not None and self.path == path

    def take(self, path: str) -> int | None:
        """Return the open file that holds the mutex at `path`, if this process has it; once."""
        if not self.holds(path):
            return None
        descriptor, self.descriptor = self.descriptor, None
        return descriptor

    def leave(self) -> None:
        """Let the next one have the mutex."""
        if (descriptor := self.take(self.path)) is not None:
            os.close(descriptor)


def answer(door: str) -> Front:
    """Answer what the arguments ask at `door` and end the process, if memory holds the answer.

    Doors are `hexauth`, `git` and `bazel`. Otherwise return what was learned; nothing is written.
    """
    front, words = Front(door), sys.argv[1:]
    try:
        if sys.platform == "linux" and not front.is_verbose:  # git puts the operation last
            _answer(front, door, words[-1:] + words[:-1] if door == "git" else words)
    except KeyboardInterrupt:
        front.interrupted = True
    except Exception:  # noqa: S110  (any doubt is for the rest)
        pass
    return front


def _answer(front: Front, door: str, words: list[str]) -> None:
    front.wanted = wanted = understand(front, door, words)
    plain = file_name(os.environ)
    if wanted is None or plain is None:
        return
    for name in (plain, *([f"{plain},{quoted(os.fsdecode(wanted[0]))}"] if wanted[0] else ())):
        front.seen[name] = found = first(name, os.environ)
        if (answer := find(found, wanted)) is not None:
            leave(answer)


def leave(answer: bytes, code: int = 0, said: bytes = b"") -> None:
    """Write `answer` to standard output and `said` to standard error, and end the process.

    Raises OSError if nothing could be written.
    """
    try:
        rest = answer
        while rest:
            rest = rest[os.write(1, rest) :]
    except OSError as error:
        if len(rest) < len(answer) or isinstance(error, BrokenPipeError):
            os._exit(1)
        raise
    try:
        os.write(2, said)
    finally:  # whether anybody listens any more or not
        os._exit(code)


def understand(front: Front, door: str, words: list[str]) -> tuple[bytes, ...] | None:
    """Return a request's origin (empty for `hexpm`), the name of the answer, and the user if any.

    None stands for whatever takes more to understand. Standard input is read if need be.
    """
    if not words or words[0] != "get":
        return None
    if door == "bazel":  # it sends `{"uri":"https://…"}`, with a space or without
        text = _read_request(front, b"").strip(b" \t\r\n").replace(b'{"uri": "', b'{"uri":"', 1)
        is_plain = len(words) == 1 and text[:8] + text[-2:] == b'{"uri":""}'
        uri = _origin(text[8:-2]) if is_plain else None
        return None if uri is None else (uri, b"bazel")
    target, form, login = _arguments(words[1:])
    if form not in FORMS or (target and door == "git"):  # git says itself what it is about
        return None
    front.plain = (target, form, login)
    if target:
        origin = b"" if target == "hexpm" else _origin(os.fsencode(target))
        return None if origin is None else (origin, form.encode())
    return None if os.isatty(0) else _description(_read_request(front, b"\n\n"), form.encode())


def _arguments(words: list[str]) -> tuple[str, str, bool | None]:
    """Return target, format and `--login`; no format if there is more to understand."""
    target, form, login = "", "git", None
    while words:
        word = words.pop(0)
        if word == "--format":
            form = words.pop(0) if words else ""
        elif word.startswith("--format="):
            form = word[9:]
        elif word in ("--login", "--no-login"):
            login = word == "--login"
        elif target or not word or word.startswith("-"):
            return "", "", None
        else:
            target = word
    return target, form, login


def _read_request(front: Front, end: bytes) -> bytes:
    """Read standard input up to its end, or to `end`, and keep it for whoever answers."""
    front.request = data = b""
    while chunk := os.read(0, 1 << 16):
        front.request = data = data + chunk
        if end and (end in data or data.startswith(b"\n")):
            break
    return data


def _origin(url: bytes) -> bytes | None:
    scheme, _, rest = url.partition(b"://")
    host, _, path = rest.partition(b"/")
    return scheme + b"://" + host if PLAIN.issuperset(path) else None


def _description(data: bytes, form: bytes) -> tuple[bytes, ...] | None:
    """Return the request that git's description makes, if it says nothing out of the ordinary."""
    if b"\r" in data or b"\0" in data or len(data) > REQUEST_BYTES:
        return None
    said: dict[bytes, bytes] = {}
    for line in data.split(b"\n"):
        if not line:
            break
        key, sign, value = line.partition(b"=")
        if key == b"capability[]" and value:
            form = b"git-authtype" if (value, form) == (b"authtype", b"git") else form
        elif not sign or key not in (b"wwwauth[]", b"state[]"):
            if not sign or key in said or key not in (b"protocol", b"host", b"path", b"username"):
                return None
            said[key] = value
    origin = said.get(b"protocol", b"") + b"://" + said.get(b"host", b"")
    return (origin, form, *(said[key] for key in said if key == b"username"))


def file_name(environ: "os._Environ[str] | dict[str, str]") -> str | None:
    """Return the name of the file that holds the answers in `environ`; None if there is none.

    It spells out the values of `KEYS` that matter, so that another value is another file.
    """
    given = environ.get("HEX_API_KEY") or environ.get("HEX_REPOS_KEY")
    homeless = not (environ.get("HOME") or environ.get("HEXAUTH_HOME"))
    strange = any(environ.get(each, "/")[:1] not in "/" for each in KEYS[:3])
    if given or homeless or strange or not all(environ.get(e, "").isprintable() for e in TEXTS):
        return None
    irrelevant = ("HOME", "XDG_CONFIG_HOME") if environ.get("HEXAUTH_HOME") else ()
    if len(vault := environ.get("HEXAUTH_VAULT", "")) > LONG:  # a database's address
        environ = {**environ, "HEXAUTH_VAULT": f"{int.from_bytes(os.fsencode(vault)) % PRIME:x}"}
    return ",".join("" if each in irrelevant else quoted(environ.get(each, "")) for each in KEYS)


def quoted(text: str) -> str:
    """Return `text` as a part of a file's name."""
    return text.replace("%", "%25").replace("/", "%2F").replace(",", "%2C")


def folders(environ: "os._Environ[str] | dict[str, str]") -> list[str]:
    """Return the folders that may hold the cache, the best first."""
    uid = os.getuid()
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    is_other = runtime.startswith("/") and runtime != f"/run/user/{uid}"
    found = [f"/run/user/{uid}/hexauth", f"/dev/shm/hexauth-{uid}"]  # noqa: S108  (checked)
    return [f"{runtime}/hexauth", *found] if is_other else found


def state_folder(environ: "os._Environ[str] | dict[str, str]") -> str:
    """Return the folder of mutexes and records on Linux; `HEXAUTH_HOME` or `HOME` must be set."""
    home = environ.get("HEXAUTH_HOME")
    return f"{home}/state" if home else f"{environ['HOME']}/.local/state/hexauth"


def note_path(name: str) -> str:
    """Return where is noted what the surroundings called `name` are like."""
    return f"{state_folder(os.environ)}/front/{name},note"


def read(path: str) -> list[bytes]:
    """Return the lines of a file that is ours alone; none of any other file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        found = os.fstat(descriptor)
        kind = found.st_mode, found.st_uid, found.st_nlink  # a regular file, mode 0600
        is_ours = kind == (0o100600, os.getuid(), 1) and found.st_size < FILE_BYTES
        return os.read(descriptor, found.st_size).split(b"\n") if is_ours else []
    finally:
        os.close(descriptor)


def stamp(path: bytes | str) -> bytes:
    """Return what changes whenever the file at `path` does; `-` if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  (pathlib takes 5 ms)
    except (OSError, ValueError):  # a NUL in it
        return b"-"
    return b"%d %d %d" % (found.st_ino, found.st_size, found.st_mtime_ns)


def first(name: str, environ: "os._Environ[str] | dict[str, str]") -> list[bytes]:
    """Return the lines of the first file called `name` that there is."""
    return next((lines for each in folders(environ) if (lines := read(f"{each}/{name}"))), [])


def is_current(lines: list[bytes]) -> bool:
    """Tell whether `lines` begin as they must, and config.toml is as it was then.

    They are: version; config.toml and its stamp; the token mutex; origins; the user name.
    """
    return len(lines) > 5 and lines[0] == VERSION and stamp(lines[1]) == lines[2]


def fits(lines: list[bytes], wanted: tuple[bytes, ...]) -> bool:
    """Tell whether `lines` are of the login that `wanted` asks for."""
    origin, _, *user = wanted
    return (not origin or origin in lines[4].split(b" ")) and user in ([], [lines[5]])


def is_live(lines: list[bytes]) -> bool:
    """Tell whether `lines` are valid now: the mutex's stamp and two times are the next three."""
    is_valid = is_current(lines) and len(lines) > 8 and stamp(lines[3]) == lines[6]
    return is_valid and int(lines[7]) <= time.time() <= int(lines[8])


def find(lines: list[bytes], wanted: tuple[bytes, ...]) -> bytes | None:
    """Return the answer; each has a line of its own, with NUL for its line feeds."""
    if len(lines) < 6 or not fits(lines, wanted) or not is_live(lines):
        return None
    name = wanted[1] + b" "
    found = (line for line in lines[9:] if line.startswith(name))
    return next((line[len(name) :].replace(b"\0", b"\n") for line in found), None)
