"""Hosts that share a vault in a database, for the commands that are run on them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.fleet import Hosts, Yard, make_vault
from tests.postgres import Postgres

MakeYard = Callable[..., Yard]


@pytest.fixture
def yard(postgres: Postgres, serve: Serve, tmp_path: Path) -> Iterator[MakeYard]:
    """Return what makes a yard, whose server of Hex has the given options.

    Its database is dropped at the end; it may be in another server than the usual one.
    """
    made: list[tuple[Postgres, str]] = []
    with Hosts(tmp_path) as hosts:

        def make(server: Postgres = postgres, database: str = "", **options: object) -> Yard:
            sandbox = serve(**{"approve_after": 0, **options})
            name = database or "yard"
            if not database:
                make_vault(server, name)
                made.append((server, name))
            return Yard(sandbox, server, name, hosts)

        yield make
    for server, name in made:
        server.sql(f'drop database "{name}" with (force)')
