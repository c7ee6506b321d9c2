"""Every registered anonymizer, and a chain of two, as something to be called with randomness."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import tiny_checkpoints

import voxguard
from voxguard.anonymizers.base import registry

# These need a checkpoint, which is made for the tests.
CHECKPOINTS = ("knn_vc", "speecht5")
# These say anew what was said, in a timing of their own.
SPEAK_ANEW = {"speecht5", "voice_conversion"}


@dataclass(frozen=True)
class Method:
    """Makes anonymizers of one kind; ``method(seed=1)``."""

    title: str
    parts: tuple[str, ...]
    given: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, **options: Any) -> voxguard.Anonymizer:
        if len(self.parts) == 1:
            return voxguard.create(self.parts[0], **self.given, **options)
        return voxguard.Compose([voxguard.create(part) for part in self.parts], **options)

    @property
    def draws_loudness(self) -> bool:
        """Whether the level of a rendering has nothing to do with that of the recording."""
        return getattr(self(), "loudness", "kept") == "drawn"

    def keeping_loudness(self, **options: Any) -> voxguard.Anonymizer:
        """The method so set that the level stays."""
        return self(**({"loudness": "kept"} if self.draws_loudness else {}), **options)

    @property
    def level_db(self) -> float:
        """By how much the level may change; in a chain, each part may."""
        return 1.0 * len(self.parts)

    @property
    def headroom(self) -> float:
        """How far the peak may rise; likewise."""
        return 2.0 ** len(self.parts)

    @property
    def keeps_timing(self) -> bool:
        """Whether each moment of a rendering belongs to that moment of the recording."""
        return SPEAK_ANEW.isdisjoint(self.parts)

    @property
    def streams(self) -> bool:
        return self().streamable


def _needs_arguments(name: str) -> bool:
    parameters = inspect.signature(registry.get(name)).parameters.values()
    return any(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters)


def _methods() -> list[Method]:
    # Compose, where it is registered, comes in below: it cannot be made without parts.
    names = [name for name in voxguard.methods() if not _needs_arguments(name)]
    return [Method(name, (name,)) for name in (*names, *CHECKPOINTS)] + [
        Method(f"compose-{names[0]}-{names[-1]}", (names[0], names[-1]))
    ]


@pytest.fixture(scope="session", params=_methods(), ids=lambda method: method.title)
def method(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Method:
    name = request.param.parts[0]
    if name not in CHECKPOINTS:
        return request.param
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    given = tiny_checkpoints.method_options(name, tmp_path_factory.mktemp(name))
    return replace(request.param, given=given)


@pytest.fixture(scope="session")
def streaming_method(method: Method) -> Method:
    if not method.streams:
        pytest.skip(f"{method.title} does not stream")
    return method
