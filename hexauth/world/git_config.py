"""What git was configured with, as far as it is for a credential helper."""

from hexauth.machine.programs import find_program, printed

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than git
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GIT_NO = ("", "0", "false", "no", "off", "never")
"""How git is told no; an empty value is false (git-config(1))."""


GIT_SECONDS = 5
"""The longest that git may take to say how it is configured; it takes 3 ms."""


def may_ask(environ: "Mapping[str, str]") -> bool:
    """Tell whether git, if it is the caller, allows a question to the person.

    `GIT_TERMINAL_PROMPT` (git(1)) and `credential.interactive` (git-config(1)), which reaches a
    helper in `GIT_CONFIG_PARAMETERS` or as `GIT_CONFIG_KEY_n`.
    """
    interactive = "true"
    for key, value in _git_config(environ):
        if key.lower() == "credential.interactive":
            interactive = value
    answers = (environ.get("GIT_TERMINAL_PROMPT", "1"), interactive)
    return not any(answer.lower() in GIT_NO for answer in answers)


def _git_config(environ: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    """Yield what git was configured with for this run alone; the last value counts, as in git."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    is_number = count.isascii() and count.isdigit() and len(count) <= 4
    for n in range(int(count) if is_number else 0):
        yield environ.get(f"GIT_CONFIG_KEY_{n}", ""), environ.get(f"GIT_CONFIG_VALUE_{n}", "")
    if not environ.get("GIT_CONFIG_PARAMETERS"):
        return
    import shlex

    try:
        words = shlex.split(environ.get("GIT_CONFIG_PARAMETERS", ""))
    except ValueError:  # an unclosed quotation mark: git has not written it
        return
    for word in words:
        key, equals, value = word.partition("=")
        yield key, value if equals else "true"


def oauth(environ: "Mapping[str, str]") -> "Mapping[str, Mapping[str, str]]":
    """Return what git was told of OAuth servers: for each URL, keys in lower case and values.

    The keys are those of git-credential-oauth and Git Credential Manager, such as
    `credential.https://git.example.com.oauthClientId`. The current folder's own repository is not
    asked: whoever made it is not its user.
    """
    return told(_said(r"^credential\..*\.oauth", environ))


def told(said: bytes) -> "Mapping[str, Mapping[str, str]]":
    """Return what `git config -z --get-regexp` has said of OAuth servers, as `oauth` does."""
    found: dict[str, dict[str, str]] = {}
    for line in _texts(said):
        name, _, value = line.partition("\n")
        url, _, key = name.partition(".")[2].rpartition(".")
        if url and value:
            found.setdefault(url.rstrip("/"), {})[key.lower()] = value
    return found


def helpers(environ: "Mapping[str, str]") -> "list[tuple[str, str, str]]":
    """Return git's credential helpers in their order: where each is set, for which URL, and it.

    The URL is empty for all; a helper that is empty takes back those before it (gitcredentials(7)).
    """
    fields = _texts(_said(r"^credential\.(.*\.)?helper$", environ, "--show-origin"))
    found = []
    for origin, line in zip(fields[::2], fields[1::2], strict=False):
        name, _, value = line.partition("\n")
        url = name.partition(".")[2].rpartition(".")[0]
        found.append((origin.removeprefix("file:"), url, value))
    return found


def _said(pattern: str, environ: "Mapping[str, str]", *flags: str) -> bytes:
    """Return what git is configured with outside of repositories: names that match, and values."""
    program = find_program("git", environ)
    if program is None:
        return b""
    words = [program, "-C", "/", "config", "-z", *flags, "--get-regexp", pattern]
    ours = {k: v for k, v in environ.items() if k[:4] != "GIT_" or k[:11] == "GIT_CONFIG_"}
    try:
        return printed(words, ours, GIT_SECONDS)
    except OSError:
        return b""


def _texts(said: bytes) -> "list[str]":
    return said.decode("utf-8", "surrogateescape").split("\0")
