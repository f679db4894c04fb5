"""The one door: from here every run starts, and here alone errors become exit codes."""

import os
import sys


def _leave_current_folder() -> None:
    """Take off `sys.path` the current folder, which `python -m` has put there first.

    It may be anybody's clone. Where hexauth itself has come from there, all that it needs may have,
    too. What Python imports before it comes here cannot be helped: `python -P -m` does.
    """
    try:
        here = os.getcwd()  # noqa: PTH109  (pathlib takes 5 ms)
    except OSError:  # it is gone
        return
    own = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
    if not sys.flags.safe_path and sys.path[:1] == [here] and here != own:
        del sys.path[0]


if __name__ == "__main__":
    _leave_current_folder()

from hexauth import hot  # noqa: E402
from hexauth.machine import core_dump, trace  # noqa: E402

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than the rest here
if TYPE_CHECKING:
    from hexauth.errors import HexauthError

GIT_OPERATIONS = ("get", "store", "erase", "capability")

LOGIN_FLAGS = {"--no-browser", "--force"}
"""With these alone, or none, a login needs no Click."""

GARBAGE = 100_000
"""How many objects may be made before Python looks for garbage: more than all imports make.

Looking after every 700 of them, as it does by itself, takes 7 ms of a login and finds next to none.
"""


def main(front: hot.Front | None = None) -> None:
    """Run `hexauth`; `front` is what `hot.answer` has learned, if it was asked already."""
    _enter("hexauth", sys.argv[1:], front)


def git(front: hot.Front | None = None) -> None:
    """Run `git-credential-hexauth`: what git does not name is ignored, as gitcredentials(7) asks.

    Git puts the operation last, after the words of its own configuration.
    """
    *options, operation = sys.argv[1:] or [""]
    if operation not in GIT_OPERATIONS:
        sys.exit(0)
    _enter("git", [operation, *options], front)


def bazel(front: hot.Front | None = None) -> None:
    """Run `hexauth-bazel`, the credential helper of Bazel; `get` is all it does."""
    if sys.argv[1:] != ["get"]:
        sys.exit("hexauth: hexauth-bazel takes one word, get, and a request on standard input.")
    _enter("bazel", ["get"], front)


def docker(front: hot.Front | None = None) -> None:
    """Run `docker-credential-hexauth`; the action is its only word."""
    _enter("docker", sys.argv[1:], front or hot.Front())


def _enter(door: str, words: list[str], front: hot.Front | None) -> None:
    if words[:1] == ["complete"] and door == "hexauth":
        from hexauth.servers.named import complete

        complete(" ".join(words[1:]))
    front = front or hot.answer(door)
    if not front.is_tried:
        if front.wanted is None or front.wanted[0]:  # what is named `hexpm` no tool has stored
            from hexauth.credentials import short

            short.answer(front, door)
        from hexauth.credentials import fresh

        fresh.answer(front, door)
    _end(run(words, front, door))


def _end(code: int) -> None:
    """End the process at once, with what it has said: nothing is left to tear down.

    An orderly shutdown takes 15 to 30 ms, and a crowd that has waited for one token all ends at
    the same moment: a hundred are gone after 0.2 s instead of 0.8.
    """
    trace.tell(f"exit code {code}")
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # it is closed
                stream.flush()
        except (OSError, ValueError):  # suppress, from contextlib, takes 2 ms
            pass
    os._exit(code)


def run(arguments: list[str], front: hot.Front, door: str) -> int:
    """Run a command and return its exit code; two lines on standard error say what went wrong."""
    try:
        return _work(arguments, front, door)
    except BrokenPipeError:
        _discard_output()
        return 1
    except (Exception, KeyboardInterrupt) as failure:
        _trace(failure)
        return _tell(_explained(failure), door)


def _explained(failure: BaseException) -> "HexauthError":
    """Return what a person is told of `failure`."""
    from hexauth.errors import HexauthError, Interrupted

    if isinstance(failure, HexauthError):
        return failure
    if isinstance(failure, KeyboardInterrupt):
        return Interrupted("Interrupted; nothing was changed.")
    if isinstance(failure, OSError):
        _discard_output()
        what = failure.strerror or "The operating system refused"
        where = f": {failure.filename}" if failure.filename else ""
        hint = "Check its owner and mode, and the space left."
        return HexauthError(f"{what}{where}.", hint=hint)
    # A fault of hexauth's own: no traceback, which may hold secrets.
    what = f"{type(failure).__name__} in {_places(failure)[-1]}"
    return HexauthError(
        f"hexauth has failed in a way nobody expected ({what}).",
        hint="Please report it, with the command that you ran.",
    )


def _work(arguments: list[str], front: hot.Front, door: str) -> int:
    """Do what was asked, with no more imports than it takes."""
    import gc

    gc.set_threshold(GARBAGE)
    if front.is_verbose:
        trace.begin()
    if front.interrupted:
        raise KeyboardInterrupt
    if arguments[:1] == ["exec"]:
        from hexauth.proxy import launch

        if command := launch.plain(arguments):
            launch.run(command)
    core_dump.forbid()
    if door == "bazel":
        from hexauth.cli.bazel import bazel

        bazel(front)
        return 0
    if door == "docker":
        from hexauth.cli.docker import docker

        docker(arguments, front)
        return 0
    if front.plain is not None:
        from hexauth.cli.answer import Asked, answer

        target, form, ask = front.plain
        answer(Asked(target or None, form, ask=ask), front)
        return 0
    if arguments[:1] == ["login"] and LOGIN_FLAGS.issuperset(arguments[1:]):
        _log_in(arguments[1:], front)
        return 0
    from hexauth.cli.main import invoke  # Click takes 10 to 30 ms

    return invoke(arguments, front)


def _log_in(flags: list[str], front: hot.Front) -> None:
    """Do as `hexauth login` does with nothing but these flags."""
    from hexauth.login.once import log_in_once
    from hexauth.machine.terminal import on
    from hexauth.vault.home import Home

    try:
        home = Home.open(front, browser="never" if "--no-browser" in flags else None)
        log_in_once(home, force="--force" in flags)
    except KeyboardInterrupt:
        on(sys.stderr).say("")  # as Click does: what follows ^C has its own line
        raise


def _tell(error: "HexauthError", door: str) -> int:
    """Say what happened and what to do, as callers at `door` read it; return the exit code.

    That is two lines on standard error; for Bazel one; for docker one on standard output, and 1.
    What a person has interrupted needs one alone. Git is told nothing of a request that does not
    follow its protocol.
    """
    from hexauth.errors import MalformedRequest
    from hexauth.machine.terminal import on

    is_malformed = isinstance(error, MalformedRequest)
    if door == "docker":
        on(sys.stdout).say(f"{error} {error.hint}".rstrip())
        return 1
    if door == "git" and is_malformed:
        return 0
    lines = [f"{error} {error.hint}"] if door == "bazel" else [f"{error}", error.hint]
    told = [f"hexauth: {line}" for line in lines if line]
    if sys.stderr is not None and sys.stderr.isatty():
        from hexauth.screen.layout import columns, wrapped

        width = columns(sys.stderr, os.environ)
        told = [row for line in told for row in wrapped(line, width, rest="  ")]
    on(sys.stderr).say(*told)
    return 1 if door == "bazel" and is_malformed else error.exit_code


def _trace(failure: BaseException | None) -> None:
    """Tell where `failure` comes from; what it says may hold a secret."""
    known = set[int]()  # one that is raised twice can be its own context
    while failure is not None and id(failure) not in known and trace.is_on():
        known.add(id(failure))
        trace.tell(f"{type(failure).__name__} in {' > '.join(_places(failure))}")
        failure = failure.__cause__ or failure.__context__


def _places(error: BaseException) -> list[str]:
    """Return where `error` has come through, module and line; the last is where it was raised."""
    found, at = list[str](), error.__traceback__
    while at is not None:
        found.append(f"{at.tb_frame.f_globals.get('__name__')}:{at.tb_lineno}")
        at = at.tb_next
    return found or ["?:0"]


def _discard_output() -> None:
    """Keep the interpreter from writing once more, when it ends, what could not be written."""
    sys.stdout = None  # nobody reads it any more
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
