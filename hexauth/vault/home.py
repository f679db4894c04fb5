"""A user's home: the outside world, and the vaults in it."""

from functools import cached_property

from hexauth.vault.vaults import Vaults
from hexauth.world.outside import World


class Home(World):
    """The outside world, and the vaults of its user."""

    @cached_property
    def vaults(self) -> Vaults:
        """The vaults; nothing is opened or asked before an entry is."""
        return Vaults(self.settings, self.places, self.environ)

    def close(self) -> None:
        """Close what is open: connections to servers, and to a database."""
        super().close()
        if "vaults" in self.__dict__:
            self.vaults.close()
