"""Who is at the other end: Hex and other servers, their repositories, accounts and endpoints."""
