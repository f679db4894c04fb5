"""The manual pages of programs that are no commands of `hexauth`, but for their headers."""

GIT_PAGE = r"""
.SH NAME
git\-credential\-hexauth \- hexauth as a credential helper of git
.SH SYNOPSIS
.B git\-credential\-hexauth
[OPTIONS] (get | store | erase | capability)
.SH DESCRIPTION
.PP
Git runs this program when a server asks for a user name and a password: get, store and erase do
what hexauth\-get(1), hexauth\-store(1) and hexauth\-erase(1) do, with the same OPTIONS, and
capability tells git what hexauth understands.
.PP
What hexauth is logged in to is answered from that login; of every other server, what git asks to
be stored is kept in the same vault.
A request that does not follow git's protocol, and an operation that git may learn one day, are
ignored.
.SH OPTIONS
.PP
Those of the command that the operation names; git passes on what stands behind the helper's name
in its configuration.
.SH EXAMPLES
.PP
Make it the helper for every server, as \fBhexauth setup git\fR does:
.PP
.RS 4
.nf
\fBgit config \-\-global credential.helper hexauth\fR
.fi
.RE
.PP
Never let it ask anybody:
.PP
.RS 4
.nf
\fBgit config \-\-global credential.helper \(aqhexauth \-\-no\-login\(aq\fR
.fi
.RE
.SH EXIT STATUS
.PP
As in hexauth(1); git itself looks at the answer alone.
A request that is ignored is answered with 0, and nothing.
"""

BAZEL_PAGE = r"""
.SH NAME
hexauth\-bazel \- hexauth as a credential helper of Bazel
.SH SYNOPSIS
.B hexauth\-bazel
get
.SH DESCRIPTION
.PP
Bazel, and whatever else follows the same specification, runs this program for each URI that it
fetches. It reads {"uri":"https://..."} from standard input, and prints the headers to send and
the time until which they may be kept: the token's end, less the setting min_ttl.
.PP
An URI that hexauth has nothing for gets no headers. Nobody is ever asked to log in.
.SH EXAMPLES
.PP
Let Bazel ask it for Hex, as \fBhexauth setup bazel\fR does for every build:
.PP
.RS 4
.nf
\fBbazel build \-\-credential_helper=*.hex.pm=/path/to/hexauth\-bazel ...\fR
.fi
.RE
.PP
See what it would be told:
.PP
.RS 4
.nf
\fBecho \(aq{"uri":"https://hex.pm/api"}\(aq | hexauth\-bazel get\fR
.fi
.RE
.SH EXIT STATUS
.PP
As in hexauth(1), with one line on standard error if it is not 0; 1 for a request that makes no
sense.
"""

DOCKER_PAGE = r"""
.SH NAME
docker\-credential\-hexauth \- hexauth as a credential helper of docker
.SH SYNOPSIS
.B docker\-credential\-hexauth
(get | store | erase | list | version)
.SH DESCRIPTION
.PP
Docker, podman, skopeo and their like run this program if "credsStore" is "hexauth", or
"credHelpers" names hexauth for a registry, in \(ti/.docker/config.json. It keeps one user for each
server, in the same vault as everything else, and speaks the JSON of docker\-credential\-helpers.
.PP
For a server that hexauth is logged in to, and nothing else is stored for, get answers with that
login's token. Nobody is ever asked to log in.
.SH EXAMPLES
.PP
Let docker ask it for one registry:
.PP
.RS 4
.nf
\fBhexauth setup docker \-\-host registry.example.com\fR
.fi
.RE
.PP
See what it has for that:
.PP
.RS 4
.nf
\fBecho registry.example.com | docker\-credential\-hexauth get\fR
.fi
.RE
.SH EXIT STATUS
.PP
0, or 1 with one line on standard output, as docker expects.
"""

PROGRAMS = {
    "git-credential-hexauth": GIT_PAGE,
    "docker-credential-hexauth": DOCKER_PAGE,
    "hexauth-bazel": BAZEL_PAGE,
}
"""Each by its program."""

RELATED = {
    "git-credential-hexauth": ("hexauth(1)", "hexauth-get(1)", "gitcredentials(7)"),
    "docker-credential-hexauth": ("hexauth(1)", "hexauth-setup(1)"),
    "hexauth-bazel": ("hexauth(1)", "hexauth-setup(1)"),
}
"""What is to be seen besides."""

SURROUNDINGS = {
    "git-credential-hexauth": ("HEXAUTH_NO_LOGIN", "CI", "HEXAUTH_ACCOUNT", "HEX_API_KEY"),
    "docker-credential-hexauth": ("HEXAUTH_ACCOUNT", "HEX_API_KEY"),
    "hexauth-bazel": ("HEXAUTH_MIN_TTL", "HEXAUTH_ACCOUNT", "HEX_API_KEY"),
}
"""The variables that matter to each."""
