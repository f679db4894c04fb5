"""Hosts that benchmarks make on one machine are apart from each other, and leave nothing."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.host import Host
from bench.hosts import Hosts
from tests.conftest import need
from tests.processes import ended, state
from tests.waiting import until

GREET = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as server:
    server.sendall(socket.gethostname().encode())
"""


def answer(host: Host, *words: str) -> str:
    done = host.run(words)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Make three hosts, apart from each other; only root can."""
    need("ip", "iproute2")
    with Hosts(3) as made:
        if not made.separate:
            pytest.skip("only root can make namespaces")
        yield made


def test_hosts_have_names_and_homes_of_their_own(hosts: Hosts) -> None:
    found = [answer(host, "sh", "-c", "uname -n; echo $HOME; pwd").split() for host in hosts]

    assert found == [[name, str(host.home), str(host.home)] for name, host in named(hosts)]
    assert len({host.home for host in hosts}) == 3


def named(hosts: Hosts) -> Iterator[tuple[str, Host]]:
    return zip(("b1", "b2", "b3"), hosts, strict=True)


def test_hosts_see_no_processes_but_their_own(hosts: Hosts) -> None:
    with hosts[0].start(["sleep", "1000"]) as process:
        try:
            until(lambda: "sleep" in answer(hosts[0], "ps", "-eo", "comm"))
            assert "sleep" not in answer(hosts[1], "ps", "-eo", "comm")
            assert answer(hosts[1], "cat", "/proc/1/comm") == "sh"
        finally:
            hosts[0].signal(process, signal.SIGKILL)

    assert process.returncode == -signal.SIGKILL


def test_hosts_have_memory_of_their_own(hosts: Hosts) -> None:
    answer(hosts[0], "touch", "/dev/shm/of-b1")

    assert [answer(host, "ls", "/dev/shm") for host in hosts] == ["of-b1", "", ""]
    assert not Path("/dev/shm/of-b1").exists()


def test_hosts_reach_what_listens_at_the_bridge(hosts: Hosts) -> None:
    with socket.create_server((hosts.address, 0)) as server:
        server.settimeout(10)
        port = str(server.getsockname()[1])
        for host in hosts:
            answer(host, sys.executable, "-c", GREET, hosts.address, port)
            connection, (address, _) = server.accept()
            with connection:
                assert (address, connection.recv(100).decode()) == (host.address, host.name)


def test_host_waits_for_orphans(hosts: Hosts) -> None:
    answer(hosts[1], "sh", "-c", "(sleep 0.01 &) >/dev/null 2>&1")

    until(lambda: [state(pid) for pid in hosts[1].pids()] == ["S", "S"])


def test_paused_host_stands_still_until_it_goes_on(hosts: Hosts) -> None:
    host = hosts[2]
    with host.start(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        until(lambda: len(host.pids()) == 3)
        host.pause()
        assert {state(pid) for pid in (*host.pids(), process.pid)} == {"T"}
        host.resume()
        out, _ = process.communicate(b"still here", timeout=60)

    assert (out, process.returncode) == (b"still here", 0)


def test_stopped_hosts_leave_nothing() -> None:
    need("ip", "iproute2")
    with Hosts(3) as hosts:
        if not hosts.separate:
            pytest.skip("only root can make namespaces")
        made = devices(hosts)
        assert len(made) == 4
        homes = [host.home for host in hosts]
        process = hosts[0].start(["sleep", "1000"])
        until(lambda: len(hosts[0].pids()) == 3)
        hosts[0].stop()
        assert process.returncode == -signal.SIGKILL
        assert answer(hosts[1], "uname", "-n") == "b2"
        pids = [pid for host in hosts for pid in host.pids()]

    assert made & devices(hosts) == set()
    assert not any(home.exists() for home in homes)
    assert ended(pids)


def test_homes_alone_are_enough_to_stop_what_was_started_there() -> None:
    with Hosts(2, separate=False) as hosts:
        answer(hosts[0], "sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &")
        with hosts[1].start(["cat"], stdin=subprocess.PIPE) as other:
            (left,) = hosts[0].pids()
            hosts[0].pause()
            assert (state(left), state(other.pid)) == ("T", "S")
            hosts[0].stop()
            assert ended([left])
            assert other.poll() is None


def test_hosts_that_an_error_leaves_are_removed() -> None:
    made: set[str] = set()

    def fail(hosts: Hosts) -> None:
        with hosts:
            made.update(devices(hosts))
            hosts[0].start(["sleep", "1000"])
            hosts[1].pause()
            raise ZeroDivisionError

    hosts = Hosts(2)
    with pytest.raises(ZeroDivisionError):
        fail(hosts)

    assert made & devices(hosts) == set()
    assert not hosts[0].home.exists()


def devices(hosts: Hosts) -> set[str]:
    """Return the numbers, which the kernel gives once, and names of the network's devices."""
    said = subprocess.run(["ip", "-o", "link"], capture_output=True, check=True, text=True).stdout
    return {*re.findall(rf"^\d+: {hosts.bridge or 'none'}[-:@]\S*", said, re.MULTILINE)}
