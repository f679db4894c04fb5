from collections.abc import Mapping
from pathlib import Path

import pytest

from hexauth.errors import UsageError
from hexauth.world.settings import SETTINGS, Setting, Settings, load, require_https

NOWHERE = Path("/nonexistent/config.toml")

SAMPLES = {
    "vault": ("file", "keyring", "auto"),
    "screen": ("plain", "auto", "plain"),
    "browser": ("enter", "never", "now"),
    "qr": ("always", "never", "auto"),
    "vault_timeout": (1, 2, 3),
    "min_ttl": (1, 2, 3),
    "cache_stored": (4, 5, 6),
    "cache": (True, False, True),
    "no_login": (True, False, True),
    "ci": (True, False, True),
    "offline": (True, False, True),
    "unsafe_https": (True, False, True),
    "verbose": (True, False, True),
    "http_timeout": (1, 2, 3),
    "mirror_url": ("https://flag.test", "https://env.test", "https://file.test"),
    "trusted_mirror_url": ("https://flag.test", "https://env.test", "https://file.test"),
    "accounts": ({}, {}, {"https://hex.test/api": "alice"}),
    "servers": ({}, {}, {"https://git.test": {"client_id": "me"}}),
    "repositories": ({}, {}, {"mine": {"url": "https://r.test", "trusted": False}}),
    "api_url": ("https://flag.test/api", "https://env.test/api", "https://file.test/api"),
    "allow_http": (("http://flag.test",), ("http://env.test",), ("http://file.test",)),
}
"""For each setting, a value to give by flag, environment and file; a text unless named here."""

BAD = {
    "vault": "cupboard",
    "screen": "wide",
    "browser": "always",
    "qr": "now",
    "vault_timeout": "soon",
    "min_ttl": "-1",
    "cache_stored": "a day",
    "api_url": "hex.pm",
    "allow_http": "internal",
    "http_timeout": "long",
    "mirror_url": "mirror",
    "accounts": "alice",
    "servers": "mine",
    "repositories": "mine",
}
"""Values that make no sense; nothing is wrong for a switch, and only control characters in text."""

by_name = pytest.mark.parametrize("setting", SETTINGS, ids=[setting.name for setting in SETTINGS])
by_flag = pytest.mark.parametrize("setting", [one for one in SETTINGS if one.flag])
by_variable = pytest.mark.parametrize("setting", [one for one in SETTINGS if one.variables])
in_file = pytest.mark.parametrize("setting", [one for one in SETTINGS if one.in_file])
in_both = pytest.mark.parametrize(
    "setting", [one for one in SETTINGS if one.in_file and one.variables]
)


def sample(setting: Setting) -> tuple[object, object, object]:
    return SAMPLES.get(setting.name, ("from flag", "from environment", "from file"))


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {toml(each)}' for key, each in value.items()) + "}"
    if isinstance(value, tuple):
        return str(list(value))
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


def text(value: object) -> str:
    """Write a value as an environment variable holds it."""
    if isinstance(value, tuple):
        return " ".join(value)
    return str(int(value)) if isinstance(value, bool) else str(value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def error(environ: Mapping[str, str], file: Path = NOWHERE) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(environ, file)
    return caught.value


def found(settings: Settings, setting: Setting) -> tuple[object, str]:
    return getattr(settings, setting.name), settings.sources[setting.name]


@by_name
def test_default_holds_where_nothing_is_set(setting: Setting) -> None:
    assert found(load({}, NOWHERE), setting) == (setting.default, "")


def test_a_server_has_half_a_minute_where_nothing_is_set() -> None:
    assert load({}, NOWHERE).http_timeout == 30


@in_file
def test_file_comes_before_the_default(setting: Setting, file: Path) -> None:
    file.write_text(f"{setting.name} = {toml(sample(setting)[2])}\n")

    assert found(load({}, file), setting) == (sample(setting)[2], "config.toml")


@in_both
def test_environment_comes_before_the_file(setting: Setting, file: Path) -> None:
    file.write_text(f"{setting.name} = {toml(sample(setting)[2])}\n")
    variable = setting.variables[0]

    settings = load({variable: text(sample(setting)[1])}, file)

    assert found(settings, setting) == (sample(setting)[1], f"${variable}")


@by_flag
def test_flag_comes_before_the_environment(setting: Setting) -> None:
    flag, variable, _ = map(text, sample(setting))

    settings = load({setting.variables[0]: variable}, NOWHERE, {setting.name: flag})

    assert found(settings, setting) == (sample(setting)[0], setting.flag)


@by_variable
def test_flag_that_was_not_given_and_empty_variable_count_as_unset(setting: Setting) -> None:
    settings = load({setting.variables[0]: ""}, NOWHERE, {setting.name: None})

    assert found(settings, setting) == (setting.default, "")


@by_variable
def test_text_with_control_characters_is_refused_by_its_variable(setting: Setting) -> None:
    """No secret is quoted: what is wrong is said, and where it stands."""
    failure = error({setting.variables[0]: "S3CRET\n"})
    where = f"${setting.variables[0]} must be "

    assert (failure.exit_code, str(failure).startswith(where), "S3CRET" in str(failure)) == (
        2,
        True,
        False,
    )


@pytest.mark.parametrize("name", BAD)
def test_value_that_makes_no_sense_is_refused_by_its_place_in_the_file(
    name: str, file: Path
) -> None:
    file.write_text(f'{name} = "{BAD[name]}"\n')

    assert str(error({}, file)).startswith(f"{name} in {file} must be ")


@pytest.mark.parametrize(
    "url",
    [
        "hex.pm/api",
        "ftp://hex.pm/api",
        "https:///api",
        "https://",
        "https://user@hex.pm/api",
        "https://user:pass@hex.pm/api",
        "https://hex.pm:0/api",
        "https://hex.pm:65536/api",
        "https://hex.pm:http/api",
        "https://[hex.pm/api",
        "https://hex.pm\\@evil.test/api",
        "https://hex pm/api",
        "https://hex.pm/api\u2028",
    ],
)
def test_server_must_be_an_url_that_all_read_alike(url: str) -> None:
    assert str(error({"HEX_API_URL": url})).startswith("$HEX_API_URL must be ")


def test_older_variable_of_the_server_counts_after_the_newer() -> None:
    old, new = "https://old.test/api", "https://new.test/api"

    assert [
        load(environ, NOWHERE).api_url
        for environ in ({"HEX_API": old}, {"HEX_API": old, "HEX_API_URL": new})
    ] == [old, new]


def test_slashes_at_the_end_of_the_server_are_trimmed() -> None:
    assert load({"HEX_API_URL": "https://a.test/api//"}, NOWHERE).api_url == "https://a.test/api"


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("1", True), ("true", True), ("anything", True), ("0", False), ("No", False), ("OFF", False)],
)
def test_switch_is_off_only_by_a_word_that_says_so(value: str, meaning: bool) -> None:
    assert load({"CI": value}, NOWHERE).ci is meaning


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"vaults = 'file'", "has a key that hexauth does not know: vaults"),
        (b"passphrase = 'S3CRET'", "has a key that hexauth does not know: passphrase"),
        (b"api_key = 'S3CRET'", "has a key that hexauth does not know: api_key"),
        (b"vault = S3CRET", "cannot be read: it is no TOML"),
        (b"\xff\xfe", "cannot be read: it is no TOML"),
        (b"vault = " + b"[" * 100_000, "cannot be read: it is no TOML"),
    ],
    ids=["unknown", "passphrase", "api key", "broken", "no UTF-8", "too deep"],
)
def test_file_that_makes_no_sense_is_named_and_not_quoted(
    content: bytes, reason: str, file: Path
) -> None:
    file.write_bytes(content)

    failure = str(error({}, file))

    assert (failure.startswith(f"{file} {reason}"), "S3CRET" in failure) == (True, False)


def test_number_beyond_reason_is_no_number_of_seconds(file: Path) -> None:
    file.write_text(f"min_ttl = 0x{'f' * 5000}")

    assert str(error({}, file)) == f"min_ttl in {file} must be a whole number of seconds."


def test_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    assert str(error({}, tmp_path)) == f"{tmp_path} cannot be read: Is a directory."


def test_secrets_do_not_show_in_a_repr() -> None:
    settings = load({"HEX_API_KEY": "S3CRET", "HEXAUTH_PASSPHRASE": "S3CRET"}, NOWHERE)

    assert "S3CRET" not in repr(settings)


@pytest.mark.parametrize(
    "url", ["http://hex.test/api", "http://localhost.hex.test/api", "http://10.0.0.1:4000/api"]
)
def test_server_without_encryption_is_refused(url: str) -> None:
    assert "is not encrypted" in str(error({"HEX_API_URL": url}))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hex.test/api", ""),
        ("http://127.0.0.1:4000/api", ""),
        ("http://localhost/api", ""),
        ("http://[::1]:4000/api", ""),
        ("http://hex.test/api", "http://hex.test"),
        ("http://HEX.test:80/api", "http://other.test http://hex.test/"),
    ],
)
def test_server_may_be_encrypted_or_near_or_allowed(url: str, allowed: str) -> None:
    assert load({"HEX_API_URL": url, "HEXAUTH_ALLOW_HTTP": allowed}, NOWHERE).api_url == url


def test_allowance_is_for_one_port_alone() -> None:
    settings = load({"HEXAUTH_ALLOW_HTTP": "http://hex.test:4000"}, NOWHERE)

    with pytest.raises(UsageError):
        require_https("http://hex.test:4001/", settings)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[servers."https://git.test"]\nclient = "me"', "nothing but client_id"),
        ('[servers."https://git.test"]\ntoken_endpoint = "token"', "in which token_endpoint is"),
        ("[repositories.mine]\nurl = 1", "in which url is"),
        ('[accounts]\n"hex.pm" = "alice"', "an http(s) URL"),
    ],
)
def test_a_table_is_read_to_its_last_key(text: str, what: str, file: Path) -> None:
    file.write_text(text)

    assert what in str(error({}, file))
