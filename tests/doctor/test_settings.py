from pathlib import Path

import pytest

from hexauth.doctor import settings
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Serve
from tests.doctor.patients import levels, patient, texts
from tests.homes import log_in

SECRET = "S3CRET"


def test_nothing_is_said_of_what_is_as_usual(tmp_path: Path) -> None:
    found = texts(settings.look, patient(tmp_path))

    assert found == {
        "config.toml": f"There is none at {tmp_path}/.config/hexauth/config.toml.",
        "vault": "file ($HEXAUTH_VAULT)",
    }


def test_what_is_set_is_told_with_its_source(tmp_path: Path) -> None:
    case = patient(tmp_path, {"HEX_HTTP_TIMEOUT": "7"}, "min_ttl = 60\n")
    case.places.config.chmod(0o600)

    found = texts(settings.look, case)

    assert found["config.toml"] == str(case.places.config)
    assert found["min_ttl"] == "60 (config.toml)"
    assert found["http_timeout"] == "7 ($HEX_HTTP_TIMEOUT)"


def test_secrets_are_told_to_be_set_and_no_more(tmp_path: Path) -> None:
    names = ("HEX_API_KEY", "HEX_REPOS_KEY", "HEX_OTP", "HEXAUTH_PASSPHRASE")
    proxy = {"HTTPS_PROXY": f"http://me:{SECRET}@proxy.test"}

    found = texts(settings.look, patient(tmp_path, dict.fromkeys(names, SECRET) | proxy))

    assert found["api_key"] == "set ($HEX_API_KEY)"
    assert SECRET not in str(found)


def test_the_secret_of_a_local_proxy_is_not_told(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:4000/{'ab' * 32}/api"

    found = texts(settings.look, patient(tmp_path, {"HEX_API_URL": url}))

    assert found["api_url"] == "http://127.0.0.1:4000/…/api ($HEX_API_URL)"


@pytest.mark.parametrize(
    ("variable", "value", "name", "advice"),
    [
        ("HEX_UNSAFE_HTTPS", "1", "unsafe_https", "Unset HEX_UNSAFE_HTTPS"),
        ("HEX_OFFLINE", "1", "offline", "Unset HEX_OFFLINE"),
        ("HEXAUTH_CACHE", "off", "cache", "Unset HEXAUTH_CACHE"),
        ("HEXAUTH_ALLOW_HTTP", "http://a.test", "allow_http", "Unset HEXAUTH_ALLOW_HTTP"),
    ],
)
def test_dangerous_settings_are_warnings(
    tmp_path: Path, variable: str, value: str, name: str, advice: str
) -> None:
    case = patient(tmp_path, {variable: value})

    assert levels(settings.look, case)[name] == "warning"
    assert advice in texts(settings.look, case)[name]


def test_dangerous_settings_that_say_no_are_fine(tmp_path: Path) -> None:
    environ = {"HEX_UNSAFE_HTTPS": "0", "HEX_OFFLINE": "0", "HEXAUTH_CACHE": "1"}

    assert set(levels(settings.look, patient(tmp_path, environ)).values()) == {"ok"}


def test_what_the_file_sets_is_to_be_taken_out_there(tmp_path: Path) -> None:
    case = patient(tmp_path, toml="offline = true\n")

    assert "Take offline out of config.toml" in texts(settings.look, case)["offline"]


def test_a_key_that_wins_over_a_login_is_a_warning(tmp_path: Path, serve: Serve) -> None:
    sandbox: Sandbox = serve(approve_after=0)
    environ = {"HEX_API_URL": sandbox.api_url, "HEX_API_KEY": SECRET}
    before = levels(settings.look, patient(tmp_path, environ))

    log_in(patient(tmp_path, environ), sandbox)

    assert before["api_key"] == "ok"
    assert levels(settings.look, patient(tmp_path, environ))["api_key"] == "warning"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("HEXAUTH_VUALT", "Did you mean HEXAUTH_VAULT?"),
        ("HEX_APIKEY", "Did you mean HEX_API_KEY?"),
        ("HEX_SOMETHING_ELSE_ENTIRELY", "Correct its name, or unset it."),
    ],
)
def test_variables_that_nobody_knows_are_warnings(tmp_path: Path, name: str, advice: str) -> None:
    case = patient(tmp_path, {name: SECRET})

    assert levels(settings.look, case)[name] == "warning"
    assert texts(settings.look, case)[name].endswith(advice)


def test_variables_that_mix_knows_are_passed_over(tmp_path: Path) -> None:
    case = patient(tmp_path, {"HEX_HTTP_CONCURRENCY": "2", "HEX_HOME": "/h"})

    assert "warning" not in levels(settings.look, case).values()


def test_a_file_that_others_can_write_to_is_a_problem(tmp_path: Path) -> None:
    case = patient(tmp_path, toml="min_ttl = 60\n")
    case.places.config.chmod(0o666)

    assert levels(settings.look, case)["config.toml"] == "problem"
    assert f"chmod go-w {case.places.config}" in texts(settings.look, case)["config.toml"]
