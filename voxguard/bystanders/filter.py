"""Keeps the voice of an enrolled user and mutes everybody else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Form, Samples
from voxguard.audio import AudioWriter, check_sample_rate, read, resample
from voxguard.bystanders.gate import gated, ramps
from voxguard.bystanders.likeness import HOP, RATE, Voiceprint
from voxguard.errors import ConfigurationError, PrivacyWarning, VoxguardError, one_tree
from voxguard.models.dvector import DVectorModel

_FADE_S = 0.02
_LONGEST_GUARD_S = 10.0


class EnrolledSpeakerFilter:
    """A gate that is open while the enrolled voice speaks, and shut whenever it cannot tell.

    It mutes and does not separate: while two talk at once, either both are kept or neither is, and
    a quiet bystander under a loud user stays. What it does to real speech is measured by
    ``python -m eval.bystanders``. It looks half a second ahead, so it works on recordings.

    The enrolled vector is a voiceprint. It stays in memory and is not shown.

    Args:
        enrolment: Recordings of the user alone, ``(n,)`` or ``(channels, n)`` each, at least 3 s of
            speech in all. It recognises the microphone and the room a little, too.
        sample_rate: Hz, of all of them.
        opens: Likeness (see :class:`~voxguard.bystanders.likeness.Voiceprint`) at which the gate
            opens.
        closes: Likeness below which it closes, at most ``opens``.
        guard_s: Seconds that are shut too beside what is, rounded to 0.1.
        then: What is kept goes through this, an anonymizer for instance.
        on_failure: When the recogniser breaks: ``"silence"`` gives zeros and warns, ``"raise"``
            raises. Raw audio never leaves.
        encoder: By default the d-vector with its public weights.

    Raises:
        ConfigurationError: An option out of its range; too little speech, or more than one voice in
            the enrolment.
        MissingExtraError: torch or resemblyzer is not installed (extra ``eval``).

    Example:
        >>> import numpy as np, voxguard
        >>> from voxguard.bystanders import EnrolledSpeakerFilter
        >>> user = voxguard.synthetic_voice(seconds=9.0, speaker=1)
        >>> keep = EnrolledSpeakerFilter([user[:80_000]], 16_000)
        >>> other = voxguard.synthetic_voice(seconds=4.0, speaker=4, seed=2)
        >>> heard = keep(np.concatenate([user[80_000:], other]), 16_000)
        >>> bool(heard[:48_000].any()), bool(heard[80_000:].any())
        (True, False)
    """

    name = "enrolled speaker"

    def __init__(
        self,
        enrolment: Sequence[Any],
        sample_rate: int,
        *,
        opens: float = 4.4,
        closes: float = 3.9,
        guard_s: float = 0.1,
        then: Callable[..., Any] | None = None,
        on_failure: Literal["silence", "raise"] = "silence",
        encoder: DVectorModel | None = None,
    ) -> None:
        if not closes <= opens or not 0.0 <= guard_s <= _LONGEST_GUARD_S:
            raise ConfigurationError(
                f"closes= takes at most opens=, and guard_s= 0 to {_LONGEST_GUARD_S:g}; got "
                f"{closes!r}, {opens!r} and {guard_s!r}"
            )
        if on_failure not in ("silence", "raise"):
            raise ConfigurationError(f"on_failure= takes silence or raise, got {on_failure!r}")
        self.opens, self.closes, self.guard_s = opens, closes, guard_s
        self.then, self.on_failure = then, on_failure
        rate = check_sample_rate(sample_rate)
        own = (_listened(Form.take(recording)[0], rate) for recording in enrolment)
        self._voiceprint = Voiceprint(own, closes=closes, encoder=encoder)

    @classmethod
    def from_files(cls, paths: Sequence[str | Path], **options: Any) -> EnrolledSpeakerFilter:
        """Enrol from audio files.

        Args:
            paths: Recordings of the user alone.
            **options: As of the class.

        Raises:
            AudioError: A file cannot be read.
        """
        return cls([_listened(*read(path)) for path in paths], RATE, **options)

    def __call__(
        self,
        samples: Any,
        sample_rate: int,
        *,
        speaker: str | None = None,
        utterance: str | None = None,
    ) -> Any:
        """Mute what is not the enrolled voice.

        Args:
            samples: ``(n,)`` or ``(channels, n)``, numpy or torch, as an anonymizer takes them. All
                channels share one gate.
            sample_rate: Hz.
            speaker: For ``then``, where one is given.
            utterance: For ``then``.

        Returns:
            Samples of the same shape, type, rate and device.

        Raises:
            UnsupportedAudioError: Type, layout or rate is not accepted.
            NonFiniteAudioError: NaN or infinity in the samples.
            VoxguardError: The recogniser broke and ``on_failure`` is ``"raise"``; ``then`` broke.
        """
        rate = check_sample_rate(sample_rate)
        taken, form = Form.take(samples)
        kept = taken * self._safe_weights(taken, rate)
        if self.then is not None:
            named = {"speaker": speaker, "utterance": utterance}
            with one_tree("then="):
                named = {name: value for name, value in named.items() if value is not None}
                made = np.asarray(self.then(kept, rate, **named), dtype=np.float32)
            if made.shape != kept.shape:
                raise VoxguardError(f"then= gave samples of shape {made.shape} for {kept.shape}")
            kept = made
        return form.give(kept)

    def file(self, source: str | Path, target: str | Path, *, overwrite: bool = False) -> Path:
        """Filter an audio file into another one.

        Args:
            source: Any file that :class:`~voxguard.audio.AudioReader` reads; it is read whole.
            target: Written without the source's metadata; it appears complete or not at all.
            overwrite: Whether a target that exists is replaced.

        Returns:
            The path of the target.

        Raises:
            AudioError: The source cannot be used.
            OutputError: The target exists or cannot be written.
        """
        samples, rate = read(source)
        with AudioWriter(target, rate, len(samples), overwrite=overwrite) as writer:
            writer.write(self(samples, rate))
        return Path(target)

    def weights(self, samples: Any, sample_rate: int) -> npt.NDArray[np.float32]:
        """What each sample would be multiplied by.

        Args:
            samples: As in a call.
            sample_rate: Hz.

        Returns:
            ``(n,)`` 0 to 1.

        Raises:
            VoxguardError: As in a call, and whenever the recogniser breaks.
        """
        return self._weights(Form.take(samples)[0], check_sample_rate(sample_rate))

    @property
    def about(self) -> dict[str, Any]:
        """What may be written down about it: nothing of the voice."""
        then = getattr(self.then, "name", type(self.then).__name__) if self.then else None
        options = {"opens": self.opens, "closes": self.closes, "guard_s": self.guard_s}
        return {"method": self.name, "options": options, "then": then}

    def _safe_weights(self, samples: Samples, rate: int) -> npt.NDArray[np.float32]:
        try:
            return self._weights(samples, rate)
        except VoxguardError as error:
            if self.on_failure == "raise":
                raise
            warnings.warn(f"{error}; the recording was muted", PrivacyWarning, stacklevel=3)
            return np.zeros(samples.shape[1], np.float32)

    def _weights(self, samples: Samples, rate: int) -> npt.NDArray[np.float32]:
        with one_tree(self.name):
            likeness = self._voiceprint.likeness(_listened(samples, rate))
            guard = round(self.guard_s * RATE / HOP)
            is_open = gated(likeness, opens=self.opens, closes=self.closes, guard=guard)
            edges = np.rint(np.arange(len(is_open) + 1) * (HOP * rate / RATE)).astype(np.int64)
            edges = np.minimum(edges, samples.shape[1])
            edges[-1] = samples.shape[1]
            return ramps(is_open, edges, round(_FADE_S * rate))


def _listened(samples: Samples, rate: int) -> Samples:
    """One channel at the rate of the recogniser."""
    mono: Samples = resample(samples.mean(axis=0, keepdims=True), rate, RATE)[0]
    return mono
