"""For programs that fetch: HTTP on loopback, to which the credential is added on the way."""
