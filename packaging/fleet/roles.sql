-- Run once, when the database is made: a role for the builders, by which they can be shut out again.
CREATE ROLE hexauth_host NOLOGIN;
CREATE ROLE builders LOGIN IN ROLE hexauth_host;
