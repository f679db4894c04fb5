"""The errors of hexauth: each knows its exit code and what the person can do next."""

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class HexauthError(Exception):
    """Something went wrong that a person can be told about in two lines.

    `message` says what happened, `hint` what to do; neither holds a secret, a response body, or
    anything longer than a line. Subclasses set the exit code and a usual hint.
    """

    exit_code = 1
    hint = "Run the command with --help to see how it is used."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint

    def __reduce__(self) -> "tuple[object, ...]":
        """Let it be told to another process of this program (pickle)."""
        return _told, (type(self), *self.args), vars(self)


def _told(kind: type[HexauthError], message: str) -> HexauthError:
    error = kind.__new__(kind, message)
    HexauthError.__init__(error, message)
    return error


class UsageError(HexauthError):
    """The command, its options or its configuration are wrong."""

    exit_code = 2


class MalformedRequest(UsageError):
    """What a tool sent on standard input does not follow its protocol."""

    hint = "Send key=value lines, each ended by a line feed, as gitcredentials(7) describes."


class UnknownTarget(UsageError):
    """A target that names no repository and no URL hexauth knows."""


class NotFound(HexauthError):
    """Nothing is stored for what was asked."""


class LoginRequired(HexauthError):
    """No stored token works, and this run may not ask for one."""

    exit_code = 3
    hint = "Run `hexauth login` in a terminal."


class OtpRequired(LoginRequired):
    """A one-time password is wanted, and nobody can be asked for one."""

    hint = "Set HEX_OTP to one that is fresh, or run this in a terminal."


class NotReplayable(HexauthError):
    """A request has to be sent again, and its body cannot be."""

    hint = "Send bytes or a file, or authenticate before the request: `optional=False`."


class Declined(HexauthError):
    """The person said no, or the server denied the login."""

    exit_code = 4
    hint = "Run `hexauth login` to be asked again."


class Refused(Declined):
    """The server answered with an OAuth error; `code` is its name (RFC 6749 section 5.2)."""

    hint = "Check the client id, the scopes and the key that it was sent, then try again."

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Expired(HexauthError):
    """The code ran out before it was approved, or waiting for another process took too long."""

    exit_code = 5
    hint = "Run `hexauth login` for a new code."


class Unreachable(HexauthError):
    """The server cannot be reached, or its answer makes no sense; trying again may help."""

    exit_code = 6
    hint = "Nothing was lost: try again in a while, or see what `hexauth doctor` finds."


class Garbled(Unreachable):
    """The server has said yes, and nobody can tell to what: asking again may not be of use."""


class VaultError(HexauthError):
    """The vault is locked, missing, full or unreadable."""

    exit_code = 7
    hint = "Run `hexauth doctor` to see which vault is in use, why, and what is wrong."


class Away(VaultError):
    """The vault is away, as a database is while somebody restarts it: trying again may help."""


class Outrun(VaultError):
    """Somebody else has saved a newer one meanwhile."""


class Interrupted(HexauthError):
    """The person pressed Ctrl-C."""

    exit_code = 130
    hint = ""


ALIKE, WORD = 0.6, 64
"""How alike, from 0 to 1, a word has to be to a known one, and how much of it is compared."""


def closest(word: str, known: "Iterable[str]") -> str:
    """Return the one of `known` that is most like `word`; empty if none is like it."""
    from difflib import get_close_matches  # 4 ms: only who is told of an error pays

    names = {each.lower(): each for each in known}
    likely = get_close_matches(word[:WORD].lower(), names, 1, ALIKE)
    return names[likely[0]] if likely else ""


def did_you_mean(word: str, known: "Iterable[str]") -> str:
    """Return the question whether the one of `known` that is most like `word` was meant.

    It stands before the rest of a hint, and is empty if none is like it.
    """
    likely = closest(word, known)
    return f"Did you mean {likely}? " if likely else ""


def exit_codes() -> "Mapping[int, str]":
    """Return what each exit code means, for manuals: its error's first sentence."""
    meanings = {0: "Done.", HexauthError.exit_code: "Something else went wrong."}
    kinds = [kind for kind in globals().values() if isinstance(kind, type)]
    for kind in kinds:  # a base stands before its subclasses, so it explains a code they share
        if issubclass(kind, HexauthError):
            meanings.setdefault(kind.exit_code, (kind.__doc__ or "").splitlines()[0])
    return dict(sorted(meanings.items()))
