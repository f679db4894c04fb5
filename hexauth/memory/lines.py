"""The files that `hot` reads, line by line: what an answer looks like, and how it gets there."""

from hexauth import hot
from hexauth.machine.files import write_private
from hexauth.memory.folder import memory_folder, prune
from hexauth.model import CLOCK_SLACK, Credential, Target
from hexauth.protocols import bazel, git, shell

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than an answer
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hexauth.model import Token

NOWHERE = b"-"
"""Stands for the origins of a token that not even `hexpm` is given."""


def answers(token: "Token", username: str, min_ttl: float) -> dict[str, bytes]:
    """Return what each door answers for `token`, and the facts for those who need the token.

    Raises `MalformedRequest` and `HexauthError` for what cannot be expressed.
    """
    credential = Credential(
        target=Target(),
        username=username,
        secret=token.access or "",
        kind=token.kind,
        expires_at=token.expires_at,
    )
    facts = [str(token.issued_at), str(token.expires_at), token.scope, token.kind]
    return {
        "git": git.render(credential),
        "git-authtype": git.render(credential, ["authtype"]),
        "bazel": bazel.render(credential, min_ttl),
        **{form: shell.render(credential, form) for form in hot.FORMS if form != "git"},
        "facts": "\n".join(facts).encode(),
    }


def span(token: "Token", min_ttl: float) -> tuple[int, int]:
    """Return the first and the last second at which `token`, which ends, is answered."""
    assert token.expires_at is not None  # noqa: S101  (for types)
    return max(token.issued_at - CLOCK_SLACK, 0), int(token.expires_at - token.margin(min_ttl))


def write(
    name: str,
    head: "Sequence[bytes]",
    times: tuple[int, int],
    answers: "Mapping[str, bytes]",
    environ: "Mapping[str, str]",
) -> list[bytes]:
    """Write the file called `name`, if there is memory to be had, and return its lines.

    `head` are the lines before the mutex's stamp. The caller holds the token mutex. Raises OSError.
    """
    body = [hot.stamp(head[3]), *(b"%d" % each for each in times)]
    body += [each.encode() + b" " + answers[each].replace(b"\n", b"\0") for each in answers]
    lines = [*head, *body]
    if any(b"\n" in line for line in lines) or any(b"\0" in each for each in answers.values()):
        return []
    folder = memory_folder(environ)
    if folder is not None:
        write_private(f"{folder}/{name}", b"\n".join(lines))
        prune(folder)
    return lines
