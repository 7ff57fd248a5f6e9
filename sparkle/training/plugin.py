"""What ms-swift imports with ``--external_plugins``: it makes the rewards known to it."""

from swift.rewards import ORM, orms

from sparkle.training.rewards import register

register(orms, ORM)
