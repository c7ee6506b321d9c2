"""A piece of audio on its way through a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from voxguard.audio import AudioReader
from voxguard.errors import AudioError


@dataclass(frozen=True, repr=False)
class Clip:
    """A recording inside a request; it does not show what it holds.

    Attributes:
        content: Of an audio file; None where only an address is given.
        format: The label that it bears (``"wav"``, ``"mp3"`` ...); None where it bears none.
        url: Address, http or https, of a recording that is not here; who converts the clip fetches
            it or refuses.
    """

    content: bytes | None = None
    format: str | None = None
    url: str | None = None

    def __repr__(self) -> str:
        return f"<Clip: {'address' if self.content is None else f'{len(self.content)} bytes'}>"


def is_new(made: Clip, raw: Clip) -> bool:
    """Whether a converted clip is one: it has content, and not that of the raw clip.

    But for digital silence, in which there is no voice: an anonymizer gives it back as it came.

    Example:
        >>> import numpy as np
        >>> from voxguard.audio import encode
        >>> from voxguard.payloads.clip import Clip, is_new
        >>> silence, noise = (Clip(encode(x, 16_000, "wav"), "wav")
        ...                   for x in (np.zeros((1, 800)), np.full((1, 800), 0.1)))
        >>> is_new(noise, silence), is_new(noise, noise), is_new(silence, silence)
        (True, False, True)
    """
    if not made.content:
        return False
    return made.content != raw.content or _is_silent(made.content)


def _is_silent(content: bytes) -> bool:
    try:
        with AudioReader(content) as reader:
            return not any(block.any() for block in reader.blocks(1 << 16))
    except AudioError:
        return False


Convert = Callable[[Clip], Awaitable[Clip]]
"""Gives the anonymized clip for a raw one: content and format set, no address."""
