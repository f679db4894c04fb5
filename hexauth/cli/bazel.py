"""`hexauth-bazel get`: answer Bazel, and never ask a person."""

from dataclasses import replace

from hexauth.cli.streams import read_request, write_answer
from hexauth.errors import UsageError
from hexauth.hot import Front
from hexauth.protocols import bazel as protocol
from hexauth.resolve import resolve
from hexauth.search import Search
from hexauth.targets import parse_target
from hexauth.world import open_world


def bazel(front: Front | None) -> None:
    """Answer the request on standard input, as the credential-helper specification says.

    An URI that is none of ours, even one that makes no sense here, gets no headers.
    """
    uri = protocol.parse(read_request(front))
    world = open_world(front)
    try:
        target = parse_target(uri, world.settings)
    except UsageError:
        write_answer(protocol.render(None))
        return
    credential = resolve(Search(world, target))
    if credential is None:  # what was stored without a path is for all of the host
        found = resolve(Search(world, replace(target, path=None)))
        credential = found if found is None or found.target.path is None else None
    write_answer(protocol.render(credential, world.settings.min_ttl))
