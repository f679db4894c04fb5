"""A new passphrase for a shared vault, with no host stopping.

First the new passphrase opens the vault beside the old one, by a slot of its own for the same key.
When every host has it, a new key takes the old one's place, for which there is no other slot, and
every row is sealed by it: whoever has a copy of the old rows and the old passphrase can read those,
and no later ones.
"""

from hexauth.errors import VaultError
from hexauth.vault import schema
from hexauth.vault.envelope import CURRENT, FORMAT, SLOTS, bound
from hexauth.vault.postgres import PostgresVault
from hexauth.vault.sealed import Seal


def admit(vault: PostgresVault, passphrase: bytes) -> None:
    """Let `passphrase` open the vault, too. Raises `VaultError`."""
    key_id, _ = vault.current_key()
    if _opens(vault, passphrase, key_id):
        return
    name, content = vault.envelope.slot(key_id, Seal(lambda: passphrase))
    vault.swap(name, 0, content)


def finish(vault: PostgresVault) -> int:
    """Let no passphrase but the one that is set open the vault; return how many slots went.

    It happens at once, or not at all; those who write meanwhile wait. Raises `VaultError`.
    """
    with vault.at_once():
        vault.database.run(lambda connection: connection.execute(schema.LOCK))
        _, version = vault.current_key()
        old = [name for name, (_, sealed) in vault.rows(SLOTS).items() if sealed is not None]
        key_id = vault.envelope.new_key()
        vault.put_key(key_id, version, [vault.envelope.slot(key_id)])
        for name, (number, sealed) in vault.rows("").items():
            if sealed is None or name == CURRENT or name.startswith(SLOTS):
                continue
            value = vault.envelope.open(name, number, sealed)
            again = vault.envelope.close(key_id, name, number, value)
            vault.reseal(name, number, again)
        for name in old:
            vault.row(name)
            vault.delete(name)
    return len(old)


def _opens(vault: PostgresVault, passphrase: bytes, key_id: str) -> bool:
    """Tell whether `passphrase` opens the vault already."""
    import json

    seal = Seal(lambda: passphrase)
    for name, (version, content) in vault.rows(f"{SLOTS}{key_id}/").items():
        if content is not None:
            try:
                document = json.loads(content)
                seal.open(name, document, bound(name, version))
            except (VaultError, ValueError):
                continue
            return bool(document["version"] == FORMAT)
    return False
