"""Another user of the machine, who can reach the port but does not know the secret."""

import os
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import SECONDS, Machine, Serve, need

NOBODY = 65534

KNOCK = """
exec 3<>/dev/tcp/127.0.0.1/$1
printf 'GET %s HTTP/1.1\\r\\nHost: 127.0.0.1:%s\\r\\n\\r\\n' "$2" "$1" >&3
cat <&3
"""

LOOK = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/task/*/environ 2>/dev/null"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="Root alone can be another user."
)


def as_nobody(*words: str) -> bytes:
    """Return what a command prints that another user runs."""
    done = subprocess.run(
        words,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        cwd="/",
        env={"PATH": os.defpath},
    )
    return done.stdout


def test_another_user_gets_nothing_and_sees_no_secret(
    serve: Serve, logged_in: Callable[[Sandbox], Machine]
) -> None:
    sandbox, bash = serve(approve_after=0), need("bash", "bash")
    here = logged_in(sandbox)
    before = len(sandbox.journal.log())

    with here.start("hexauth", "exec", "--", "sh", "-c", "echo $HEX_CDN; read x") as process:
        assert process.stdout
        base = urlsplit(process.stdout.readline().decode().strip())
        secret = base.path.split("/")[1]
        targets = ["/", "/api/users/me", "/repo/names", f"/{'0' * 64}/api/users/me"]
        heard = [as_nobody(bash, "-c", KNOCK, "sh", str(base.port), each) for each in targets]
        seen = as_nobody("sh", "-c", LOOK)
        process.communicate(b"\n", timeout=SECONDS)

    refusal = b"HTTP/1.1 404 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    assert (len(secret), heard) == (64, [refusal] * 4)
    assert (len(seen) > 0, secret.encode() in seen) == (True, False)
    assert len(sandbox.journal.log()) == before
