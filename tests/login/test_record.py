import json
import stat
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import VaultError
from hexauth.login.record import Record, parse_record, read_record, write_record
from hexauth.vault.turns import LocalTurn


def at(path: Path) -> LocalTurn:
    """Return the turn whose record is the file `path`."""
    return LocalTurn(path.with_suffix(".lock"), path)


RECORD = Record(
    state="waiting",
    attempt=7,
    pid=4711,
    message="Zürich",
    user_code="BCDFGHJK",
    verification_uri="https://hex.pm/oauth/device",
    verification_uri_complete="https://hex.pm/oauth/device?user_code=BCDFGHJK",
    device_code="S3CRET",
    interval=0.5,
    lifetime=600.0,
    deadline=1_800_000_000.25,
)


def test_record_comes_back_whole(tmp_path: Path) -> None:
    write_record(at(tmp_path / "r.json"), RECORD)

    assert read_record(at(tmp_path / "r.json")) == RECORD


CODES = st.text(st.characters(min_codepoint=33, max_codepoint=126))
TEXTS, TIMES = st.text(st.characters(codec=None)), st.integers(-(10**11) + 1, 10**11 - 1)


@given(
    st.builds(
        Record, st.text(min_size=1), st.integers(), st.integers(), TEXTS, CODES, interval=TIMES
    )
)
def test_any_record_comes_back_whole(record: Record) -> None:
    said = {name: value for name, value in asdict(record).items() if value}

    assert parse_record(json.dumps(said).encode()) == record


def test_record_is_private(tmp_path: Path) -> None:
    write_record(at(tmp_path / "r.json"), RECORD)

    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o600


def test_device_code_does_not_show_in_a_repr() -> None:
    assert "S3CRET" not in repr(RECORD)


def test_record_that_is_missing_counts_as_idle(tmp_path: Path) -> None:
    assert read_record(at(tmp_path / "r.json")) == Record()


def test_record_that_is_a_folder_counts_as_idle(tmp_path: Path) -> None:
    assert read_record(at(tmp_path)) == Record()


@given(end=st.integers(min_value=0, max_value=len(json.dumps(asdict(RECORD))) - 1))
def test_record_that_is_torn_counts_as_idle(
    end: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    torn = tmp_path_factory.getbasetemp() / "torn.json"
    torn.write_text(json.dumps(asdict(RECORD))[:end])

    assert read_record(at(torn)) == Record()


@given(content=st.binary())
def test_bytes_that_are_no_record_count_as_idle(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    strange = tmp_path_factory.getbasetemp() / "strange.json"
    strange.write_bytes(content)

    assert read_record(at(strange)) == Record()


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "[1]",
        '"state"',
        "7",
        "null",
        '{"state": null}',
        '{"state": 7}',
        '{"attempt": "7"}',
        '{"attempt": 7.5}',
        '{"attempt": true}',
        '{"attempt": Infinity}',
        '{"deadline": NaN}',
        '{"deadline": 1e999}',
        '{"deadline": 1' + "0" * 400 + "}",
        '{"interval": "5"}',
        "[" * 100_000,
    ],
)
def test_record_that_is_strange_counts_as_idle(content: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(content)

    assert read_record(at(tmp_path / "r.json")) == Record()


def test_record_of_another_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"state": "done", "attempt": 3, "colour": "red"}')

    assert read_record(at(tmp_path / "r.json")) == Record(state="done", attempt=3)


@pytest.mark.parametrize(
    ("state", "ended"), [("waiting", 6), ("done", 7), ("Declined", 7), ("failed", 7)]
)
def test_attempt_under_way_has_not_ended(state: str, ended: int) -> None:
    assert replace(RECORD, state=state).ended == ended


def test_no_attempt_has_ended_where_there_was_none() -> None:
    assert Record().ended == 0


def test_record_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "r.json"

    with pytest.raises(VaultError, match=f"The file {target} cannot be written: No such file"):
        write_record(at(target), RECORD)


@pytest.mark.parametrize("field", ["user_code", "verification_uri", "verification_uri_complete"])
@pytest.mark.parametrize("text", ["\x1b[2J", "\u202ehex.pm", "https://h\u0435x.pm/", "a b", "\x9b"])
def test_record_with_what_no_server_may_say_counts_as_idle(
    tmp_path: Path, field: str, text: str
) -> None:
    (tmp_path / "r.json").write_text(json.dumps({**asdict(RECORD), field: text}))

    assert read_record(at(tmp_path / "r.json")) == Record()
