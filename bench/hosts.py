"""Hosts on one machine: homes, and for root also processes, memory and addresses of their own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from bench.host import Host
from tests.processes import children
from tests.waiting import until

INIT = """
mount -t tmpfs none /dev/shm && mount -t tmpfs none /run || exit
echo "$1" >/proc/sys/kernel/hostname && echo made && read -r _ || exit
printf '%s\\n' 'link set lo up' 'link set eth0 up' "addr add $2/16 dev eth0" | ip -batch - || exit
echo ready
exec >/dev/null 3<&0
cat <&3 >/dev/null & wait
"""
"""The first process of a host: it makes the host, and waits for orphans until its input ends."""

UNSHARE = ["unshare", "--fork", "--pid", "--mount-proc", "--mount", "--uts", "--net", "sh", "-c"]

NETWORKS = range(77, 127)
"""The networks that are tried, 10.x.0.0/16; a bridge's name says that one is taken."""

GROUP = 0x68780000
"""The group of devices that cables are in, to which a bridge's network is added."""

IP = shutil.which("ip") or "ip"


class Hosts:
    """As many hosts as wanted, `b1`, `b2` and so on, for a `with` block; all of it is then gone.

    Only root can give them namespaces; others get homes alone, as all do who want none, and
    `separate` tells which it is. They reach at `address` what listens there outside of them.
    """

    def __init__(self, count: int, *, separate: bool = True) -> None:
        found = all(map(shutil.which, ("ip", "nsenter", "unshare")))
        self.separate = separate and found and os.geteuid() == 0
        self.address = "127.0.0.1"
        self._count = count
        self.bridge = ""
        self._hosts: list[Host] = []
        self._inits: list[subprocess.Popen[bytes]] = []
        self._folder = Path()

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="hx-hosts-"))
        self._folder.chmod(0o755)
        try:
            if self.separate:
                self._connect()
            for number in range(1, self._count + 1):
                home = self._folder / f"b{number}"
                home.mkdir(0o700)
                address = self._address(number + 1) if self.separate else self.address
                self._hosts.append(Host(home.name, home, address))
            if self.separate:
                self._separate()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    def __getitem__(self, index: int) -> Host:
        return self._hosts[index]

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:  # what fails does not keep the rest
            stack.callback(shutil.rmtree, self._folder)
            if self.bridge:
                stack.callback(self._disconnect)
            for init in self._inits:
                stack.callback(let_end, init)
            for host in self._hosts:
                stack.callback(host.stop)

    def _address(self, number: int) -> str:
        return f"10.{self.bridge[2:]}.{number >> 8}.{number & 255}"

    def _connect(self) -> None:
        """Make the bridge, and take its network by that."""
        for network in NETWORKS:
            words = [IP, "link", "add", f"hx{network}", "type", "bridge"]
            if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                self.bridge = f"hx{network}"
                self.address = self._address(1)
                ip(
                    f"addr add {self.address}/16 dev {self.bridge}",
                    f"link set {self.bridge} up",
                )
                return
        self.separate = False

    def _disconnect(self) -> None:
        """Remove the bridge and the cables; a cable of a host that has ended is gone already."""
        words = [IP, "link", "del", "group", self._group()]
        subprocess.run(words, capture_output=True, check=False)
        ip(f"link del {self.bridge}")
        until(lambda: f" {self.bridge}-" not in links())

    def _group(self) -> str:
        return str(GROUP + int(self.bridge[2:]))

    def _separate(self) -> None:
        """Make the namespaces of all hosts, and then their cables in one go."""
        for host in self._hosts:
            words = [*UNSHARE, INIT, "init", host.name, host.address]
            self._inits.append(
                subprocess.Popen(
                    words,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    cwd="/",
                )
            )
        for host, init in zip(self._hosts, self._inits, strict=True):
            said(init, b"made")
            host.lives_in(children(init.pid)[0])
        ip(
            *(
                f"link add {self.bridge}-{number} group {self._group()} up master {self.bridge}"
                f" type veth peer name eth0 netns {host.init}"
                for number, host in enumerate(self._hosts, 1)
            )
        )
        for init in self._inits:
            assert init.stdin is not None  # noqa: S101  (for types: it is a pipe)
            init.stdin.write(b"go\n")
            init.stdin.flush()
        for init in self._inits:
            said(init, b"ready")


def ip(*commands: str) -> None:
    """Let one process of ip run commands; raises subprocess.CalledProcessError."""
    subprocess.run([IP, "-batch", "-"], input="\n".join(commands).encode(), check=True)


def links() -> str:
    """Return what ip(8) says of the network's devices."""
    return subprocess.run([IP, "link"], capture_output=True, check=True, text=True).stdout


def said(init: "subprocess.Popen[bytes]", word: bytes) -> None:
    """Wait until the first process of a host says a word; raises OSError if it has ended."""
    assert init.stdout is not None  # noqa: S101  (for types: both are pipes)
    assert init.stderr is not None  # noqa: S101
    if init.stdout.readline().strip() != word:
        raise OSError(init.stderr.read().decode())


def let_end(init: "subprocess.Popen[bytes]") -> None:
    """Tell the first process of a host to end, if it has not been killed, and wait for that."""
    for stream in (init.stdin, init.stdout, init.stderr):
        if stream is not None:
            stream.close()
    init.wait(60)
