"""The tokens hexpm issues: JSON Web Tokens signed with ES256 (RFC 7519, RFC 7518 section 3.4)."""

import hashlib
import secrets
import uuid

from joserfc import jwt
from joserfc.jwk import ECKey

ISSUER = "hexpm"
API_AUDIENCE = "hexpm:api"


class Mint:
    """Signs tokens with a key of its own, made for this run; no two tokens are ever equal."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")

    def access(self, user: str, scope: str, *, issued_at: float, expires_at: float) -> str:
        """Return an access token for `user`, as hexpm writes it; times are unix seconds."""
        return self._sign(user, issued_at, expires_at, aud=API_AUDIENCE, scope=scope)

    def refresh(self, user: str, scope: str, *, issued_at: float, expires_at: float) -> str:
        """Return a refresh token; it expires when the session ends, in unix seconds."""
        return self._sign(user, issued_at, expires_at, aud=API_AUDIENCE, scope=scope, typ="refresh")

    def _sign(self, user: str, issued_at: float, expires_at: float, **claims: str) -> str:
        return jwt.encode(
            {"alg": "ES256", "typ": "JWT"},
            {
                "iss": ISSUER,
                "sub": f"user:{user}",
                "iat": int(issued_at),
                "exp": int(expires_at),
                "jti": uuid.uuid4().hex,
                **claims,
            },
            self.key,
        )


def new_key() -> str:
    """Return a new API key: 32 hex digits."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """Return the lower-case hex SHA-256 of a token, as hexpm stores it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
