"""What is asked for, and what may come of it: the table of host isolation.

A row is a text that names a place, and the secret that it is answered with: one of the names in
`SECRETS`, or an empty text for none. Doors that read the same text otherwise, as their protocols
have it, say so behind it. Most of the rows are what an attacker would write; those with a secret
keep the table from being passed by refusing everything.
"""

from dataclasses import dataclass, field

SPLITTERS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What `str.splitlines` splits at beside CR and LF."""


@dataclass(frozen=True)
class Row:
    """A text, what it is answered with, and by which doors otherwise."""

    family: str
    text: str
    secret: str = ""
    but: dict[str, str] = field(default_factory=dict)

    def at(self, door: str) -> str:
        """Return the secret that `door` hands out for it."""
        return self.but.get(door, self.secret)


SECRETS = {
    "api": "https://hex.pm",
    "repo": "https://repo.hex.pm",
    "acme": "https://repo.hex.pm",
    "forge": "https://forge.test:8443",
    "plain": "https://kids.test",
    "ss": "https://strasse.test",
    "idn": "https://xn--bcher-kva.test",
    "six": "https://[2001:db8::1]:8443",
    "four": "https://192.0.2.1",
    "git": "https://git.test",
    "docker": "docker.test",
}
"""Each secret by its name, and the place that it belongs to.

`api`, `repo` and `acme` are Hex's: its API, its repository, and an organization's part of that.
From `forge` to `four` are logins at other servers; the last two are what tools have stored.
"""


def _rows(family: str, *rows: str | tuple[str, str] | tuple[str, str, dict[str, str]]) -> list[Row]:
    return [Row(family, *((row,) if isinstance(row, str) else row)) for row in rows]


def _hosts(names: str) -> list[str]:
    return [f"https://{each}/" for each in names.split(" ")]


def _ports(texts: str) -> list[str]:
    return [f"https://hex.pm:{each}/" for each in texts.split(" ")]


def _schemes(names: str) -> list[str]:
    return [f"{each}://hex.pm/" for each in names.split(" ")]


GIT_DECODES = {"git": "api"}
"""Git decodes a host (its `credential_from_url`), and then asks for what came of it, by name."""

NOT_DOCKER = {"docker": ""}
"""What git has stored is not docker's."""

DOCKER_TRIMS = {"docker": "api"}
"""Docker's clients trim the server that they send."""

URLS = [
    *_rows(
        "user information",
        "https://hex.pm@evil.test/",
        "https://hex.pm:443@evil.test/",
        "https://hex.pm:@evil.test/",
        "https://:hex.pm@evil.test/",
        "https://hex.pm%40evil.test/",
        ("https://hex.pm/api@evil.test@evil.test/..", "api"),
        "https://evil.test\\@hex.pm/",
        "https://hex.pm\\@evil.test/",
        "https://hex.pm\\.evil.test/",
        "https://hex.pm\\/@evil.test/",
        "https://evil.test@hex.pm/",
        "https://evil.test;@hex.pm/",
        "https://hex.pm&@evil.test/",
        "https://hex.pm;@evil.test/",
        "https://hex.pm%2F@evil.test/",
        "https://hex.pm%23@evil.test/",
        "https://hex.pm%3F@evil.test/",
        "https://evil.test%2F@hex.pm/",
        "https://a@b@hex.pm/",
        "https://hex.pm@hex.pm@evil.test/",
        "https://oauth2@hex.pm@evil.test/",
        "https://oauth2@evil.test/",
        ("https://oauth2@hex.pm/", "api"),
        ("https://oauth2@hex.pm:443/", "api"),
    ),
    *_rows(
        "path, query and fragment",
        "https://evil.test/hex.pm",
        "https://evil.test/https://hex.pm/",
        "https://evil.test/@hex.pm/",
        "https://evil.test#@hex.pm/",
        "https://evil.test?@hex.pm/",
        "https://evil.test?hex.pm",
        "https://evil.test#hex.pm",
        "https://evil.test/?https://hex.pm/",
        "https://evil.test/#https://hex.pm/",
        "https://evil.test/../hex.pm/",
        "https://evil.test:443/..//hex.pm/",
        "https://?hex.pm",
        "https://#hex.pm",
        "https://?@hex.pm",
        ("https://hex.pm", "api"),
        ("https://hex.pm/", "api"),
        ("https://hex.pm//", "api"),
        ("https://hex.pm/api/packages", "api"),
        ("https://hex.pm/@evil.test/", "api"),
        ("https://hex.pm/https://evil.test/", "api"),
        ("https://hex.pm/%0a%0d", "api", {"git": ""}),
        ("https://hex.pm#@evil.test/", "api"),
        ("https://hex.pm?@evil.test/", "api"),
    ),
    *_rows(
        "case",
        ("HTTPS://hex.pm/", "api"),
        ("https://HEX.PM/", "api"),
        ("hTTpS://hEx.Pm:443/api", "api"),
        ("https://FORGE.test:8443/", "forge"),
        "https://HEX.PM.evil.test/",
        "https://HEX.PM@EVIL.TEST/",
        "HTTP://HEX.PM/",
        "https://FORGE.TEST/",
        "https://GIT.test/",
    ),
    *_rows(
        "ports",
        ("https://hex.pm:443/", "api"),
        ("https://hex.pm:443", "api"),
        ("https://forge.test:8443/", "forge"),
        ("https://forge.test:8443/base/x", "forge"),
        *_ports(
            "80 8443 0443 00000443 4430 44 443443 0 65535 65536 65979 4294967739 -1 -443 +443 "
            "443a 0x1bb 1e3 4_43 443:443 443:80 :443 \u0664\u0664\u0663 \uff14\uff14\uff13 44\xb3 "
            "\u096a\u096a\u0969 443@evil.test 443\\@evil.test 443.evil.test https *"
        ),
        "https://hex.pm:/",
        "https://hex.pm:4 43/",
        "https://hex.pm: 443/",
        "https://hex.pm:443 /",
        ("https://hex.pm:%34%34%33/", "", GIT_DECODES),
        "https://forge.test/",
        "https://forge.test:443/base/x",
        "https://forge.test:08443/",
        "https://forge.test:18443/",
        "https://forge.test:84431/",
        "https://forge.test:844/",
        "https://forge.test:8443.evil.test/",
        "https://forge.test:8443@evil.test/",
        "https://git.test:443/",
        "https://git.test:8443/",
    ),
    *_rows(
        "names",
        *_hosts(
            "hex.pm.evil.test evilhex.pm evil-hex.pm www.hex.pm evil.hex.pm docs.hex.pm hex.pmx "
            "hex.p ex.pm pm hex hexpm hex-pm hex_pm * *.pm *.hex.pm h?x.pm hex.* [a-z]ex.pm "
            "hex.pm,evil.test hex.pm;evil.test hex.pm|evil.test evil.test,hex.pm hex.pm$ ^hex.pm "
            "(hex.pm) hex.pm' {hex.pm} hex.pm. hex.pm.. .hex.pm hex..pm hex.pm.:443 "
            "repo.hex.pm.evil.test evil.repo.hex.pm repo.hex.pm. repohex.pm forge.test.evil.test "
            "git.test.evil.test evil.git.test git.test. localhost 127.0.0.1 evil.test"
        ),
        ("https://repo.hex.pm/", "repo"),
        ("https://repo.hex.pm/names", "repo"),
        ("https://repo.hex.pm:443/tarballs/a-1.0.0.tar", "repo"),
        ("https://repo.hex.pm/repos/acme", "acme"),
        ("https://repo.hex.pm/repos/acme/names", "acme"),
        ("https://REPO.hex.pm:443/repos/acme/names", "acme"),
        ("https://git.test", "git", NOT_DOCKER),
        ("https://git.test/", "git", NOT_DOCKER),
        ("https://me@git.test/", "git", NOT_DOCKER),
        ("https://git.test/a.git", "", {"bazel": "git"}),
        "https://you@git.test/",
        "http://git.test/",
    ),
    *_rows(
        "international names",
        ("https://b\xfccher.test/", "idn"),
        ("https://B\xfccher.TEST/", "idn"),
        ("https://xn--bcher-kva.test/", "idn"),
        ("https://XN--BCHER-KVA.test:443/", "idn"),
        ("https://strasse.test/", "ss"),
        ("https://kids.test/", "plain"),
        *_hosts(
            "B\xdcCHER.test bu\u0308cher.test buecher.test b\xfccher\u3002test b\xfccher.test. "
            "xn--bcher-kva.test.evil.test bucher.test bcher-kva.test stra\xdfe.test "
            "STRA\u1e9eE.test xn--strae-oqa.test strae-oqa.test \u212aids.test k\u0131ds.test "
            "k\u0130ds.test kid\u017f.test \uff4b\uff49\uff44\uff53.test \uff48\uff45\uff58.pm "
            "hex\u3002pm hex\uff0epm hex\uff61pm \u210eex.pm \u24d7ex.pm h\u2091x.pm h\u0435x.pm "
            "xn--hx-mlc.pm he\xadx.pm hex\u200b.pm hex\u200d.pm hex.pm\u200b \u202ehex.pm "
            "hex.\u2060pm \u1d34ex.pm hex.\u33d8 hex\u2024pm hex.pm\uff0fevil.test "
            "evil.test\uff0f@hex.pm evil.test\uff03@hex.pm hex.pm\uff1f@evil.test "
            "hex.pm\uff20evil.test evil.test\u2100hex.pm g\u0131t.test G\u0130T.test"
        ),
    ),
    *_rows(
        "percent-encoding",
        ("https://hex%2Epm/", "", GIT_DECODES),
        ("https://h%65x.pm/", "", GIT_DECODES),
        ("https://%68%65%78%2e%70%6d/", "", GIT_DECODES),
        ("https://hex.pm%3A443/", "", GIT_DECODES),
        "https://hex%252Epm/",
        "https://hex.pm%2e/",
        "https://hex.pm%20/",
        "https://hex.pm%2Fevil.test/",
        "https://evil.test%2Fhex.pm/",
        "https://evil.test%23hex.pm/",
        "https://hex.pm%5C.evil.test/",
        "https://hex.pm%00.evil.test/",
        "https://hex.pm%0a.evil.test/",
        "https://hex.pm%0d.evil.test/",
        "https://evil.test%0ahost=hex.pm/",
        "https://evil.test%0d%0ahost=hex.pm/",
        "https://evil.test/%0ahost=hex.pm",
        "https://x%0ahost=hex.pm@evil.test/",
        "https://x%0d%0ahost=hex.pm@evil.test/",
        "https://evil.test%E2%80%A8host=hex.pm/",
        "https://evil.test%C2%85host=hex.pm/",
        "https://evil.test%0Bhost=hex.pm/",
        "%68ttps://hex.pm/",
        "https%3A//hex.pm/",
        "https:%2F%2Fhex.pm/",
    ),
    *_rows(
        "slashes and blanks",
        "https:hex.pm",
        "https:/hex.pm/",
        "https:///hex.pm/",
        "https:////hex.pm/",
        "https:\\\\hex.pm/",
        "https:/\\hex.pm/",
        "//hex.pm/",
        "\\\\hex.pm\\",
        "/hex.pm",
        "://hex.pm/",
        "https",
        "https://",
        "https:///",
        "https://@/",
        "https://:443/",
        "https://@:443/",
        ("\x01https://hex.pm/", ""),
        (" https://hex.pm/", "", DOCKER_TRIMS),
        ("\thttps://hex.pm/", "", DOCKER_TRIMS),
        ("https://hex.pm\t", "", DOCKER_TRIMS),
        "https://he\tx.pm/",
        "ht\ttps://hex.pm/",
        "https:/\t/hex.pm/",
        "https://hex.pm\t@evil.test/",
        "https:// hex.pm/",
        "https://hex.pm @evil.test/",
        "https://evil.test @hex.pm/",
        "https://hex.pm\u00a0.evil.test/",
        "https://hex.pm\u3000/",
        ("https://hex.pm\n", "", {"docker": "api", "git": "api"}),
        ("\nhttps://hex.pm/", "", DOCKER_TRIMS),
        "https://hex.pm\n.evil.test/",
        "https://evil.test\n@hex.pm/",
        "https://evil.test/\nhttps://hex.pm/",
        ("https://hex.pm/\nhost=evil.test", ""),
        ("https://evil.test/\nhost=hex.pm", "", {"git": "api"}),  # the last one counts, for git too
        ("https://hex.pm\r", "", {"docker": "api", "git": "api"}),  # git's lines may end in CR LF
        "https://hex.pm\r.evil.test/",
        "https://evil.test\rhost=hex.pm/",
        "https://evil.test\r\nhost=hex.pm/",
        *(f"https://hex.pm{each}.evil.test/" for each in SPLITTERS),
        *(f"https://evil.test{each}@hex.pm/" for each in SPLITTERS),
        *(f"https://evil.test/{each}https://hex.pm/" for each in SPLITTERS),
        *((f"https://hex.pm{each}", "") for each in "\x1c\x1d\x1e\x85\u2028\u2029"),
    ),
    *_rows(
        "IPv6",
        ("https://[2001:db8::1]:8443/", "six"),
        ("https://[2001:DB8::1]:8443/", "six"),
        ("https://[2001:db8:0:0:0:0:0:1]:8443/", "six"),
        ("https://[2001:0db8:0000:0000:0000:0000:0000:0001]:8443/", "six"),
        ("https://[2001:db8::0.0.0.1]:8443/", "six"),
        *_hosts(
            "[2001:db8::1] [2001:db8::1]:443 [2001:db8::1]:8444 [2001:db8::2]:8443 "
            "[2001:db8::1:0]:8443 [2001:db8:1::]:8443 [::2001:db8:1]:8443 "
            "[2001:db8::1%25eth0]:8443 [2001:db8::1%eth0]:8443 [2001:db8::1%]:8443 "
            "2001:db8::1:8443 [2001:db8::1 2001:db8::1]:8443 [2001:db8::1]8443 "
            "[2001:db8::1].evil.test:8443 evil.test[2001:db8::1]:8443 "
            "[2001:db8::1]@evil.test:8443 [2001:db8::1]:8443@evil.test "
            "evil.test@[2001:db8::1]:8443 [[2001:db8::1]]:8443 [2001:db8::1]]:8443 [hex.pm] "
            "[v1.hex.pm] [] [::] [::1] [::1]:8443 [::ffff:192.0.2.1] [::ffff:c000:201] "
            "[::192.0.2.1] [64:ff9b::192.0.2.1] [2002:c000:201::] [2001:db8::1\\]:8443 "
            "[\uff12001:db8::1]:8443 [2001%3Adb8::2]:8443 [2001:db8::1]: [2001:db8:::1]:8443"
        ),
    ),
    *_rows(
        "IPv4",
        ("https://192.0.2.1/", "four"),
        ("https://192.0.2.1:443/", "four"),
        *_hosts(
            "192.0.2.1. 192.0.513 192.513 3221225985 0xC0000201 0xc0.0.2.1 0300.0.2.1 "
            "0300.0000.0002.0001 192.0.2.01 192.0.2.001 192.0.2.257 192.0.2.1.evil.test "
            "192.0.2.10 1192.0.2.1 192.0.2 192.0.2.1:80 192.0.2.1@evil.test "
            "\uff11\uff19\uff12.0.2.1 192\u30020.2.1 192.0.2.\u2460 -192.0.2.1 192.0.2.0x1 "
            "0192.0.2.1 192.0.2.1%2e"
        ),
    ),
    *_rows(
        "schemes",
        *_schemes(
            "http ssh git ftp ftps file ws wss imap smtp docker javascript data grpcs httpss "
            "https+git xhttps https. https- http\u017f \uff48ttps *"
        ),
        "https ://hex.pm/",
        "://hex.pm/",
        "http://hex.pm:443/",
        "http://hex.pm:80/",
        "https://hex.pm:80/",
        "http://repo.hex.pm/names",
        "http://forge.test:8443/",
        "http://[2001:db8::1]:8443/",
        "http://192.0.2.1/",
        "http://xn--bcher-kva.test/",
        "javascript:https://hex.pm/",
        "view-source:https://hex.pm/",
        "data:,https://hex.pm/",
        "file:///hex.pm/",
        "cert:///hex.pm",
        "git+https://hex.pm/",
        "urn:https://hex.pm/",
    ),
    *_rows(
        "without a scheme",
        ("hexpm", "api", {"git": "", "bazel": "", "docker": ""}),
        ("hexpm:acme", "acme", {"git": "", "bazel": "", "docker": ""}),
        "HEXPM",
        "hexpm ",
        "hexpm:",
        "hexpm:../x",
        "hexpm@evil.test",
        "evil.test@hexpm",
        "evil.test/hexpm",
        "mine",
        ("hex.pm", "", {"docker": "api"}),
        ("hex.pm/", "", {"docker": "api"}),
        ("hex.pm:443", "", {"docker": "api"}),
        ("HEX.pm/v2/", "", {"docker": "api"}),
        ("hex.pm\n", "", {"docker": "api"}),
        ("repo.hex.pm", "", {"docker": "repo"}),
        ("forge.test:8443", "", {"docker": "forge"}),
        "forge.test",
        "hex.pm:80",
        "hex.pm@evil.test",
        "evil.test@hex.pm",
        "hex.pm.evil.test",
        "evil.test/hex.pm",
        "evil.test#hex.pm",
        "evil.test?@hex.pm",
        "evil.test\\@hex.pm",
        *(f"hex.pm{each}" for each in SPLITTERS if each not in "\v\f"),
        *(f"evil.test{each}hex.pm" for each in SPLITTERS),
        ("docker.test", "", {"docker": "docker"}),
        (" docker.test\r\n", "", {"docker": "docker"}),
        "docker.test:443",
        "docker.test/",
        "docker.test.",
        "DOCKER.test",
        "https://docker.test",
        "http://docker.test",
        ("docker://docker.test", "", {"git": "docker"}),  # asked for in so many words
        "docker.test.evil.test",
        "docker.test@evil.test",
        "evil.test@docker.test",
        "docker.test\x1c",
        "docker.test\x85",
        "docker.test\u2028",
        "docker.test\u2028evil.test",
        "docker.test\revil.test",
        "docker.test\nevil.test",
        "git.test",
        "evil.test",
    ),
]
"""What is given to every door that takes an URL, each in the way of its protocol."""

HEX = b"protocol=https\nhost=hex.pm\n"
EVIL = b"protocol=https\nhost=evil.test"
EACH = ["\r", "\0", *SPLITTERS]

DESCRIPTIONS: list[tuple[bytes, str]] = [
    (HEX, "api"),
    (HEX + b"\n", "api"),
    (HEX + b"username=oauth2\n", "api"),
    (HEX + b"capability[]=authtype\nwwwauth[]=Basic realm=evil.test\nstate[]=evil.test\n", "api"),
    (HEX + b"path=repos/acme\n", "api"),
    (b"protocol=HTTPS\r\nhost=HEX.pm:443\r\n\r\n", "api"),
    (b"protocol=https\nhost=repo.hex.pm\n", "repo"),
    (b"protocol=https\nhost=forge.test:8443\n", "forge"),
    (b"protocol=https\nhost=[2001:DB8:0::1]:8443\n", "six"),
    ("protocol=https\nhost=b\xfccher.test\n".encode(), "idn"),
    (b"protocol=https\nhost=git.test\n", "git"),
    (b"protocol=docker\nhost=docker.test\n", "docker"),
    *((HEX.replace(b"https", scheme), "") for scheme in (b"", b"http", b"ssh", b"git", b"smtp")),
    *((HEX.replace(b"https", each), "") for each in (b"https:", b"https://", b" https", b"https ")),
    *((HEX.replace(b"hex.pm", host), "") for host in (b"", b".", b" ", b":443", b"@", b"//hex.pm")),
    *(
        (HEX.replace(b"hex.pm", host), "")
        for host in (
            b" hex.pm",
            b"hex.pm ",
            b"hex.pm/",
            b"hex.pm/path",
            b"hex.pm?x",
            b"hex.pm#",
            b"hex.pm:",
            b"hex.pm:0443",
            b"hex.pm:80",
            b"hex.pm.",
            b"x@hex.pm",
            b"hex.pm@evil.test",
            b"hex.pm\\",
            b"hex%2Epm",
            b"HEX%2EPM",
            b"*",
            b"*.pm",
            b"https://hex.pm",
            b"hex.pm hex.pm",
            b"\xe2\x84\x8eex.pm",
            b"hex.pm\xff",
            b"\xffhex.pm",
            b"[hex.pm]",
            b"hex.pm\tx",
        )
    ),
    *(
        (b"protocol=https\nhost=forge.test" + each + b"\n", "")
        for each in (b"", b":443", b":08443")
    ),
    (b"protocol=https\n", ""),
    (b"host=hex.pm\n", ""),
    (b"path=hex.pm\n", ""),
    (b"", ""),
    (b"\n" + HEX, ""),
    (b"protocol=https\n\nhost=hex.pm\n", ""),
    (b"protocol=https://hex.pm\nhost=\n", ""),
    (b"protocol=\nhost=https://hex.pm\n", ""),
    (b"protocol\nhost=hex.pm\n", ""),
    (b"protocol=https\nhost\n", ""),
    (HEX + b"path\n", ""),
    (HEX + b"wwwauth[]\n", ""),
    (HEX + b"state[]\n", ""),
    (HEX + b"hex.pm\n", ""),
    (b"Protocol=https\nHost=hex.pm\n", ""),
    (b" protocol=https\n host=hex.pm\n", ""),
    (b"protocol =https\nhost =hex.pm\n", ""),
    (b"protocol[]=https\nhost[]=hex.pm\n", ""),
    (b"\xef\xbb\xbf" + HEX, ""),
    (HEX.decode().encode("utf-16"), ""),
    (HEX + b"host=evil.test\n", ""),
    (EVIL + b"\nhost=hex.pm\n", "api"),
    (HEX + b"protocol=http\n", ""),
    (HEX + b"host=\n", ""),
    (HEX + b"url=https://evil.test/\n", ""),
    (HEX + b"url=https:///\n", ""),
    (HEX + b"url=http://hex.pm/\n", ""),
    (HEX + b"url=hex.pm\n", ""),
    (b"url=https://evil.test/\n" + HEX, "api"),
    (HEX + b"username=evil\n", ""),
    (b"protocol=https\nhost=git.test\nusername=you\n", ""),
    (b"protocol=https\nhost=git.test\npath=other.git\n", ""),
    (b"protocol=http\nhost=git.test\n", ""),
    (b"protocol=docker\nhost=git.test\n", ""),
    (b"protocol=https\nhost=docker.test\n", ""),
    (EVIL + b"\n" + b"x" * 65536 + b"\n" + HEX, ""),
    *((f"protocol=https\nhost=evil.test{each}host=hex.pm\n".encode(), "") for each in EACH),
    *((f"protocol=https\nhost=hex.pm{each}host=evil.test\n".encode(), "") for each in EACH),
    *((f"protocol=https{each}host=hex.pm\n".encode(), "") for each in EACH),
    *(
        (f"username=x{each}host=hex.pm\nprotocol=https\nhost=evil.test\n".encode(), "")
        for each in EACH
    ),
    *((f"protocol=https\nhost=hex.pm{each}\n".encode(), "") for each in EACH if each != "\r"),
    *((f"protocol=https\nhost={each}hex.pm\n".encode(), "") for each in EACH),
]
"""What git may say, in its own lines: no URL stands for these."""
