"""Which credential is handed out: the request for one, and the sources in their order."""
