"""Anonymizes a clip where it stands: in memory, without the net."""

from __future__ import annotations

from voxguard.anonymizers.base import Anonymizer
from voxguard.errors import PayloadError
from voxguard.files.memory import render_bytes
from voxguard.payloads.base64_audio import kept_label
from voxguard.payloads.clip import Clip


def render_clip(
    clip: Clip,
    anonymizer: Anonymizer,
    *,
    speaker: str | None = None,
    max_seconds: float | None = None,
) -> Clip:
    """Anonymize a clip.

    Args:
        clip: With content.
        anonymizer: Does the work.
        speaker: Who speaks, to keep one pseudo-voice.
        max_seconds: Longest recording that is accepted.

    Returns:
        A clip of the same format, or WAV where that is not written (M4A, WebM).

    Raises:
        PayloadError: It has only an address; nothing is fetched here.
        VoxguardError: It cannot be anonymized.

    Example:
        >>> import voxguard
        >>> from voxguard.audio import encode
        >>> from voxguard.payloads.clip import Clip
        >>> from voxguard.payloads.render import render_clip
        >>> voice = encode(voxguard.synthetic_voice(seconds=0.5)[None], 16_000, "wav")
        >>> render_clip(Clip(voice, "wav"), voxguard.McAdams())
        <Clip: 16044 bytes>
    """
    if clip.content is None:
        raise PayloadError(
            "a recording behind an address would be heard raw, and is not fetched here; "
            "put it into the request, or go through voxguard serve, which fetches"
        )
    content, suffix = render_bytes(
        clip.content, anonymizer, speaker=speaker, max_seconds=max_seconds
    )
    return Clip(content, kept_label(clip) or suffix)
