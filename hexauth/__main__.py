"""The one door: from here every run starts, and here alone errors become exit codes."""

import os
import sys

from hexauth import hot

GIT_OPERATIONS = ("get", "store", "erase", "capability")


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
    front = front or hot.answer(door)
    if front.interrupted:
        sys.exit(_tell("Interrupted.", "Nothing was changed.", 130))
    _end(run(words, front, door))


def _end(code: int) -> None:
    """End the process at once, with what it has said: nothing is left to tear down.

    An orderly shutdown takes 15 to 30 ms, and a crowd that has waited for one token all ends at
    the same moment: a hundred are gone after 0.2 s instead of 0.8.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # it is closed
                stream.flush()
        except (OSError, ValueError):  # suppress, from contextlib, takes 2 ms
            pass
    os._exit(code)


def run(  # noqa: PLR0911  (one a way to end)
    arguments: list[str], front: hot.Front | None = None, door: str = "hexauth"
) -> int:
    """Run a command and return its exit code; two lines on standard error say what went wrong.

    At the door `git`, nothing is said of a request that does not follow git's protocol; at the
    door `docker`, all is said on standard output.
    """
    from hexauth.errors import HexauthError, MalformedRequest

    try:
        return _work(arguments, front, door)
    except MalformedRequest as error:
        if door == "git":
            return 0
        code = 1 if door == "bazel" else error.exit_code
        return _tell(error, error.hint, code, door)
    except HexauthError as error:
        return _tell(error, error.hint, error.exit_code, door)
    except KeyboardInterrupt:
        return _tell("Interrupted.", "Nothing was changed.", 130, door)
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        _discard_output()
        what = error.strerror or "The operating system refused"
        where = f": {error.filename}" if error.filename else ""
        return _tell(f"{what}{where}.", "Check its owner and mode, and the space left.", 1, door)
    except Exception as error:  # a fault of hexauth's own: no traceback, which may hold secrets
        return _tell(
            f"hexauth has failed in a way nobody expected ({_place(error)}).",
            "Please report it, with the command that you ran.",
            1,
            door,
        )


def _work(arguments: list[str], front: hot.Front | None, door: str) -> int:
    """Do what was asked, with no more imports than it takes."""
    if door == "bazel":
        from hexauth.cli.bazel import bazel

        bazel(front)
        return 0
    if door == "docker":
        from hexauth.cli.docker import docker

        docker(arguments)
        return 0
    if front is not None and front.plain is not None:
        from hexauth.cli.answer import answer

        target, form, login = front.plain
        answer(front, target or None, form, login)
        return 0
    from hexauth.cli.main import invoke  # Click takes 20 to 30 ms

    return invoke(arguments, front)


def _tell(what: object, hint: str, code: int, door: str = "hexauth") -> int:
    """Say what happened and what to do, as callers at `door` read it; return the exit code.

    That is two lines on standard error; for Bazel one; for docker one on standard output, and 1.
    """
    from hexauth.system import Screen

    if door == "docker":
        if sys.stdout is not None:
            Screen(sys.stdout.write, visible=False).say(f"{what} {hint}".rstrip())
        return 1
    one = door == "bazel"
    lines = [f"hexauth: {what} {hint}"] if one else [f"hexauth: {what}", f"hexauth: {hint}"]
    Screen(sys.stderr.write, visible=False).say(*lines)
    return code


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = trace.tb_frame.f_globals.get("__name__") if trace else "?"
    return f"{type(error).__name__} in {where}:{trace.tb_lineno if trace else 0}"


def _discard_output() -> None:
    """Keep the interpreter from writing once more, when it ends, what could not be written."""
    sys.stdout = None  # nobody reads it any more
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
