import pytest

from hexauth.tools.callers import caller

BEAM = ("/usr/lib/erlang/erts-13.1.5/bin/beam.smp", "--", "-root", "/usr/lib/erlang", "-noshell")
MIX = (*BEAM, "-s", "elixir", "start_cli", "-extra", "/usr/bin/mix")
REBAR = ("/usr/bin/rebar3", "-B", "--", "-run", "escript", "start", "-extra", "/usr/bin/rebar3")
CHILD = ("erl_child_setup", "20000")
SHELL = ("-bash",)


@pytest.mark.parametrize(
    ("lineage", "told"),
    [
        ([], ""),
        ([SHELL], ""),
        ([("sh", "-c", "hexauth get"), CHILD, (*MIX, "deps.get"), SHELL], "mix deps.get"),
        ([CHILD, (*REBAR, "as", "prod", "compile"), SHELL], "rebar3 as"),
        ([CHILD, MIX, SHELL], "mix"),
        ([("git", "fetch", "--all"), CHILD, (*MIX, "deps.get"), SHELL], "mix deps.get"),
        ([("/usr/lib/git-core/git-remote-https", "x"), ("git", "-C", "/src", "push")], "git push"),
        ([("git", "-c", "http.extraheader=x: SECRET", "fetch")], "git fetch"),
        ([("git", "push"), ("zsh", "-i"), ("make", "all")], "git push"),
        ([("mix", "deps.get"), ("make", "-j8", "test"), ("fish",)], "make test"),
        ([("git", "fetch"), ("/usr/bin/code", "--type=x")], "git fetch"),
        ([("git", "push"), ("bash", "--init-file", "/x/shell.sh"), ("make", "all")], "git push"),
        ([("nvim", "SECRET"), SHELL], "nvim"),
        ([("dune", "SECRET"), SHELL], "dune"),
        ([("/bin/sh", "./deploy.sh", "SECRET"), SHELL], "deploy.sh"),
        ([("/usr/bin/python3.11", "/x/deploy.py", "SECRET"), SHELL], "deploy.py"),
        ([("sh", "-c", "hexauth get"), ("tmux", "new"), ("systemd",)], ""),
        ([("sh", "-c", "SECRET"), ("sshd",), ("/sbin/init",)], ""),
        ([("python3", "-c", "SECRET"), ("sh", "run"), SHELL], ""),
        ([("sh", "-ec", "SECRET"), ("sudo", "-u", "x"), ("dune",)], "dune"),
        ([("mix", "--SECRET", "SECRET=1", "S/E")], "mix"),
        ([(), ("",), ("gleam", "deps", "download")], "gleam deps"),
    ],
)
def test_caller_is_what_the_person_has_typed_without_secrets(
    lineage: list[tuple[str, ...]], told: str
) -> None:
    assert caller(lineage) == told
