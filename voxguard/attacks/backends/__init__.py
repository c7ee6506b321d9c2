"""Back-ends: what decides how alike two speaker vectors are."""

from voxguard.attacks.backends.base import Backend, backends, create_backend

__all__ = ["Backend", "backends", "create_backend"]
