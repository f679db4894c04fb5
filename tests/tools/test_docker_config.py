"""Docker's config.json, changed and put back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import UsageError
from hexauth.tools import docker_config as helpers

HOSTS = ("r.test", "https://index.docker.io/v1/")

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CONFIGS = st.dictionaries(
    st.sampled_from(["auths", "HttpHeaders", "psFormat", "plugins", "x"]), VALUES, max_size=4
)
HELPERS = st.none() | st.dictionaries(st.sampled_from(["a.test", "b.test"]), st.just("pass"))


@given(CONFIGS, HELPERS, st.sampled_from([None, 1, 4, "\t"]), st.booleans(), st.sampled_from("\n "))
def test_config_is_as_it_was_when_hexauth_is_taken_out(
    config: dict[str, object],
    others: dict[str, str] | None,
    indent: int | str | None,
    everywhere: bool,
    end: str,
) -> None:
    """Byte for byte, however it was written."""
    if others is not None:
        config = {**config, helpers.KEY: others}
    before = (json.dumps(config, indent=indent) + end).encode()

    after = helpers.put(before, HOSTS, everywhere=everywhere)

    wanted = {**(others or {}), **dict.fromkeys(HOSTS, "hexauth")}
    assert json.loads(after)[helpers.KEY] == wanted
    assert json.loads(after).get(helpers.STORE) == ("hexauth" if everywhere else None)
    assert helpers.put(after, HOSTS, everywhere=everywhere) == after
    assert helpers.take(after) == before


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("hosts", [HOSTS, HOSTS[:1]])
def test_file_that_was_made_is_removed(hosts: tuple[str, ...], everywhere: bool) -> None:
    made = helpers.put(None, hosts, everywhere=everywhere)

    assert made.endswith(b"\n}\n\n")
    assert helpers.take(made) is None


def test_file_is_written_as_docker_would() -> None:
    assert helpers.put(None, ("r.test",), everywhere=False).decode() == (
        '{\n\t"credHelpers": {\n\t\t"r.test": "hexauth"\n\t}\n}\n\n'
    )


def test_hosts_come_one_after_the_other_and_leave_together() -> None:
    before = b'{\n\t"auths": {}\n}'

    after = helpers.put(before, HOSTS[:1], everywhere=False)
    after = helpers.put(after, HOSTS, everywhere=False)

    assert json.loads(after)["credHelpers"] == dict.fromkeys(HOSTS, "hexauth")
    assert helpers.take(after) == before


def test_host_that_is_there_twice_goes_twice() -> None:
    before = b'{"credHelpers": {"r.test": "hexauth", "r.test": "hexauth"}, "auths": {}}'

    left = helpers.take(before)

    assert left is not None
    assert json.loads(left) == {"auths": {}}


def test_what_others_have_changed_meanwhile_stays() -> None:
    after = json.loads(helpers.put(b'{"auths": {}}', HOSTS, everywhere=True))
    after["credHelpers"]["c.test"] = "pass"
    after["auths"]["d.test"] = {}
    changed = json.dumps(after).encode()

    left = helpers.take(changed)

    assert left is not None
    assert json.loads(left) == {"auths": {"d.test": {}}, "credHelpers": {"c.test": "pass"}}


@pytest.mark.parametrize(
    "before", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"credHelpers": []}', b"", b"null"]
)
def test_file_that_makes_no_sense_is_refused(before: bytes) -> None:
    with pytest.raises(UsageError, match="not as docker writes it"):
        helpers.put(before, HOSTS, everywhere=True)
    with pytest.raises(UsageError, match="not as docker writes it"):
        helpers.take(before)


@pytest.mark.parametrize(
    "before", [b'{"credHelpers": {"r.test": "pass"}}', b'{"credsStore": "pass"}']
)
def test_another_helper_is_not_pushed_aside(before: bytes) -> None:
    with pytest.raises(UsageError, match="already uses the helper 'pass'"):
        helpers.put(before, HOSTS, everywhere=True)
