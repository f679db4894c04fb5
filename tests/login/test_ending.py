"""Rejecting, replacing and ending a login, with a real vault and a real server."""

from dataclasses import replace

from hexauth.login.ending import log_out, reject, replace_login
from hexauth.login.record import Record, read_record, write_record
from hexauth.login.tokens import Tokens
from hexauth.model import Kind, Token
from hexauth.sandbox.faults import parse
from tests.conftest import Serve
from tests.homes import issue
from tests.login.conftest import Make


def test_an_api_key_is_not_dropped_when_a_server_rejects_it(serve: Serve, home: Make) -> None:
    """It cannot be refreshed: dropping it would log the person out."""
    here = home(serve())
    tokens = Tokens(here, here.settings.login)
    key = Token("k" * 32, kind=Kind.KEY)
    tokens.save(key)

    reject(tokens, "k" * 32)

    assert tokens.load() == key


def test_an_old_session_that_cannot_be_ended_does_not_undo_the_new_login(
    serve: Serve, home: Make
) -> None:
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    new = issue(here, sandbox)
    sandbox.faults.add(parse("503@revoke_by_hash"))

    replace_login(tokens, new)

    assert tokens.load() == new


def test_logging_out_forgets_the_code_of_a_login_whose_process_died(
    serve: Serve, home: Make
) -> None:
    here = home(serve())
    tokens = Tokens(here, here.settings.login)
    record = tokens.login_turn
    write_record(record, Record("waiting", 3, 1, device_code="d", deadline=here.now() + 60))

    log_out(tokens)

    assert read_record(record) == replace(Record(), attempt=2)
