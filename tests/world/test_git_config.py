import os
import shutil
import subprocess
from collections.abc import Mapping

import pytest

from hexauth.world.git_config import may_ask


@pytest.mark.parametrize(
    ("environ", "may"),
    [
        ({}, True),
        ({"GIT_TERMINAL_PROMPT": "1"}, True),
        ({"GIT_TERMINAL_PROMPT": "0"}, False),
        ({"GIT_TERMINAL_PROMPT": "False"}, False),
        ({"GIT_TERMINAL_PROMPT": ""}, False),
        ({"GIT_CONFIG_PARAMETERS": "'credential.interactive'='false'"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'credential.interactive'='never'"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'credential.interactive'='0'"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'credential.interactive'=''"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'credential.interactive'='true'"}, True),
        ({"GIT_CONFIG_PARAMETERS": "'credential.interactive'"}, True),
        ({"GIT_CONFIG_PARAMETERS": "'credential.interactive=never'"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'Credential.Interactive'='never'"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'a.b'='it'\\''s' 'credential.interactive'='never'"}, False),
        ({"GIT_CONFIG_PARAMETERS": "'a.b'='credential.interactive=never'"}, True),
        ({"GIT_CONFIG_PARAMETERS": "'unclosed"}, True),
        (
            {
                "GIT_CONFIG_COUNT": "2",
                "GIT_CONFIG_KEY_0": "a.b",
                "GIT_CONFIG_VALUE_0": "c",
                "GIT_CONFIG_KEY_1": "credential.Interactive",
                "GIT_CONFIG_VALUE_1": "false",
            },
            False,
        ),
        ({"GIT_CONFIG_COUNT": "0", "GIT_CONFIG_KEY_0": "credential.interactive"}, True),
        (
            {"GIT_CONFIG_COUNT": "", "GIT_CONFIG_PARAMETERS": "'credential.interactive'='never'"},
            False,
        ),
        (
            {"GIT_CONFIG_COUNT": "x", "GIT_CONFIG_PARAMETERS": "'credential.interactive'='never'"},
            False,
        ),
        (
            {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "credential.interactive",
                "GIT_CONFIG_VALUE_0": "false",
                "GIT_CONFIG_PARAMETERS": "'credential.interactive'='true'",
            },
            True,
        ),
        (
            {
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_PARAMETERS": "'credential.interactive'='true'",
            },
            False,
        ),
    ],
)
def test_may_ask_unless_one_of_its_switches_says_no(environ: Mapping[str, str], may: bool) -> None:
    assert may_ask(environ) is may


@pytest.mark.parametrize(("value", "may"), [("never", False), ('it\'s; "true"!', True)])
def test_switch_arrives_from_the_real_git(value: str, may: bool) -> None:
    git = shutil.which("git")
    assert git, "git is missing: install the package `git`."
    words = [git, "-c", f"credential.interactive={value}", "-c", "alias.tell-env=!env", "tell-env"]
    printed = subprocess.run(words, capture_output=True, check=True, env=dict(os.environ)).stdout
    environ = dict(line.split("=", 1) for line in printed.decode().splitlines() if "=" in line)

    assert may_ask({**environ, "GIT_TERMINAL_PROMPT": "1"}) is may
