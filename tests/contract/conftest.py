"""Every registered anonymizer, and a chain of two, as something to be called with randomness."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import pytest

import voxguard
from voxguard.anonymizers.base import registry


@dataclass(frozen=True)
class Method:
    """Makes anonymizers of one kind; ``method(seed=1)``."""

    title: str
    parts: tuple[str, ...]

    def __call__(self, **options: Any) -> voxguard.Anonymizer:
        if len(self.parts) == 1:
            return voxguard.create(self.parts[0], **options)
        return voxguard.Compose([voxguard.create(part) for part in self.parts], **options)

    @property
    def level_db(self) -> float:
        """By how much the level may change; in a chain, each part may."""
        return 1.0 * len(self.parts)

    @property
    def headroom(self) -> float:
        """How far the peak may rise; likewise."""
        return 2.0 ** len(self.parts)

    @property
    def streams(self) -> bool:
        return self().streamable


def _needs_arguments(name: str) -> bool:
    parameters = inspect.signature(registry.get(name)).parameters.values()
    return any(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters)


def _methods() -> list[Method]:
    # Compose, where it is registered, comes in below: it cannot be made without parts.
    names = [name for name in voxguard.methods() if not _needs_arguments(name)]
    return [Method(name, (name,)) for name in names] + [
        Method(f"compose-{names[0]}-{names[-1]}", (names[0], names[-1]))
    ]


@pytest.fixture(scope="session", params=_methods(), ids=lambda method: method.title)
def method(request: pytest.FixtureRequest) -> Method:
    return request.param


@pytest.fixture(scope="session")
def streaming_method(method: Method) -> Method:
    if not method.streams:
        pytest.skip(f"{method.title} does not stream")
    return method
