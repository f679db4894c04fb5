"""`hexauth-bazel get`: answer Bazel, and never ask a person."""

from hexauth.cli.streams import read_request, write_answer
from hexauth.credentials import note, sources
from hexauth.credentials.request import Request
from hexauth.errors import UsageError
from hexauth.hot import Front
from hexauth.protocols import bazel as protocol
from hexauth.vault.home import Home


def bazel(front: Front) -> None:
    """Answer the request on standard input, as the credential-helper specification says.

    An URI that is none of ours, even one that makes no sense here, gets no headers.
    """
    uri = protocol.parse(read_request(front))
    home = Home.open(front)
    note.keep(home)
    try:
        request = Request.named(home, uri, ask=False) if "://" in uri else None
    except UsageError:
        request = None
    if request is None:
        write_answer(protocol.render(None))
        return
    credential = sources.find(request)
    if credential is None:  # what was stored without a path is for all of the host
        found = sources.find(Request(home, request.target.replaced(path=None)))
        credential = found if found is None or found.target.path is None else None
    write_answer(protocol.render(credential, home.settings.min_ttl))
