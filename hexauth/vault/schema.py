"""What a shared vault is made of in its database, as SQL (PostgreSQL 12 and newer).

There is one table of entries, of which each has a version that only grows. What is in them was
sealed by whoever wrote it: the database sees names, versions, hosts and times. Everything here can
be run again, by an owner; what a host does needs no more than the role that is made here.
"""

LAYOUT = 1
"""The layout that this version makes and understands; one that changes what is there is another.

What is merely added (a table, a column with a default) leaves the number as it is, so that older
and newer hosts go on side by side.
"""

ROLE = "hexauth_host"
"""The role that hosts are members of: it reads and writes entries, and removes or changes nothing
else. An entry that is removed leaves its version behind."""

CHANNEL = "hexauth"
"""Where changes are told (LISTEN); each notice is an entry's name."""

NOTICE_CHARACTERS = 1000
"""So much of a name is in a notice, whose limit is 8,000 bytes (NOTIFY)."""

SQL = """\
-- A vault of hexauth, layout 1. Run it as the owner of the database; it can be run again.
CREATE SCHEMA IF NOT EXISTS hexauth;

CREATE TABLE IF NOT EXISTS hexauth.meta (
    key text PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO hexauth.meta VALUES ('layout', '1'), ('id', gen_random_uuid()::text)
    ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS hexauth.entry (
    name text PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    sealed bytea,
    saved_by text NOT NULL DEFAULT '',
    saved_as text NOT NULL DEFAULT current_user,
    saved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE OR REPLACE FUNCTION hexauth.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('hexauth', left(NEW.name, 1000));
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS tell ON hexauth.entry;
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON hexauth.entry
    FOR EACH ROW EXECUTE FUNCTION hexauth.tell();

DO $$ BEGIN
    CREATE ROLE hexauth_host NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
REVOKE ALL ON SCHEMA hexauth FROM PUBLIC;
GRANT USAGE ON SCHEMA hexauth TO hexauth_host;
GRANT SELECT ON hexauth.meta TO hexauth_host;
GRANT SELECT, INSERT, UPDATE ON hexauth.entry TO hexauth_host;

-- A host, or a group of hosts, gets a role of its own, by which it can be shut out again:
--   CREATE ROLE builders LOGIN PASSWORD '...' IN ROLE hexauth_host;
--   ALTER ROLE builders NOLOGIN;
"""

FACTS = "SELECT key, value FROM hexauth.meta"

READ = """\
SELECT version, sealed, saved_by, saved_as, extract(epoch FROM saved_at)::float8
FROM hexauth.entry WHERE name = %s"""

LIST = "SELECT name, version, sealed FROM hexauth.entry WHERE starts_with(name, %s)"

WRITE = """\
INSERT INTO hexauth.entry AS old (name, version, sealed, saved_by)
SELECT %(name)s, %(version)s + 1, %(sealed)s, %(host)s
WHERE (SELECT version FROM hexauth.entry WHERE name = 'current-key') = %(key)s
ON CONFLICT (name) DO UPDATE SET version = excluded.version, sealed = excluded.sealed,
    saved_by = excluded.saved_by, saved_as = current_user, saved_at = clock_timestamp()
WHERE old.version = %(version)s
RETURNING version, sealed"""
"""Compare and swap: nothing comes back if another version than the one named is there, or another
key is the current one than that by which it was sealed."""

SWAP = """\
INSERT INTO hexauth.entry AS old (name, version, sealed, saved_by)
VALUES (%(name)s, %(version)s + 1, %(sealed)s, %(host)s)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, sealed = excluded.sealed,
    saved_by = excluded.saved_by, saved_as = current_user, saved_at = clock_timestamp()
WHERE old.version = %(version)s
RETURNING version, sealed"""
"""Compare and swap: nothing comes back if another version than the one named is there."""

RESEAL = """\
UPDATE hexauth.entry SET sealed = %(sealed)s
WHERE name = %(name)s AND version = %(version)s"""
"""Have the same value, of the same version, sealed by another key."""

LOCK = "LOCK TABLE hexauth.entry IN SHARE ROW EXCLUSIVE MODE"
"""Let others read, and nobody write, until the transaction ends."""

PUT_BACK = """\
INSERT INTO hexauth.entry AS old (name, version, sealed, saved_by)
VALUES (%(name)s, %(version)s, %(sealed)s, %(host)s)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, sealed = excluded.sealed,
    saved_by = excluded.saved_by, saved_as = current_user, saved_at = clock_timestamp()
WHERE old.version < excluded.version"""
"""Have a row again that the database has lost: nothing newer is overwritten by it."""
