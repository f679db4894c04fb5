"""`hexauth-bazel get`: answer Bazel, and never ask a person."""

from hexauth.cli.streams import open_world, read_request, write_answer
from hexauth.errors import UsageError
from hexauth.hot import Front
from hexauth.protocols import bazel as protocol
from hexauth.resolve import Search, resolve
from hexauth.targets import parse_target


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
    write_answer(protocol.render(resolve(Search(world, target)), world.settings.min_ttl))
