"""Voice conversion of a recording: analysis, network, synthesis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples, fit
from voxguard.dsp.envelope import log_mel_envelope
from voxguard.dsp.pitch import HOP, track_f0
from voxguard.dsp.vocoder import synthesize
from voxguard.errors import ConfigurationError
from voxguard.models.network_numpy import STRIDE, NumpyNetwork
from voxguard.models.normalization import faded, floored, measure, sharpened, without_floor
from voxguard.models.prosody import Intonation, Tempo, pitch_features, revoiced
from voxguard.models.segments import segmented
from voxguard.models.shipped import Weights, pretrained, shipped

if TYPE_CHECKING:
    from voxguard.models.pool import Target

Floats = npt.NDArray[np.float32]

FILE = "converter.safetensors"
LEVELS = (1, 2, 3, 4)
CHUNK = 3000  # frames of 10 ms in one pass
_ACTIVE, _KNOCK = 10**2.5, 10.0  # powers: how far below the loud frames speech goes, and above
HEADROOM = 1.8  # less than 2: resampling adds some


class Converter:
    """A trained network with what is around it.

    Args:
        weights: Of the network.

    Raises:
        ConfigurationError: The weights do not fit the network.

    Example:
        >>> import numpy as np, voxguard
        >>> from voxguard.models.converter import Converter
        >>> from voxguard.models.pool import SpeakerPool
        >>> voice = voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000)
        >>> converter, target = Converter.shipped(), SpeakerPool.shipped().target(0)
        >>> converter.convert(voice, target, rng=np.random.default_rng(0)).shape
        (16000,)
    """

    def __init__(self, weights: Weights) -> None:
        self.network = NumpyNetwork(weights)

    @classmethod
    def shipped(cls) -> Converter:
        """The weights of the package."""
        return cls(shipped(FILE))

    @classmethod
    def from_pretrained(cls, source: str | Path, *, revision: str | None = None) -> Converter:
        """Weights from a file, a folder or a hub repository; see :func:`pretrained`."""
        return cls(pretrained(source, FILE, revision))

    def convert(
        self,
        samples: Samples,
        target: Target,
        *,
        rng: np.random.Generator,
        levels: int | None = 3,
        segments: float | None = None,
        intonation: Intonation | None = None,
        tempo: Tempo | None = None,
    ) -> Samples:
        """Say the same in another voice.

        Args:
            samples: ``(n,)`` float32 at 16 kHz.
            target: The voice.
            rng: Makes the noise of breath and consonants.
            levels: Levels of the residual quantiser that are kept, 1 (least content) to 4 (most);
                None leaves the content as it is, and with it much of the speaker.
            segments: So many stretches a second, over which content is averaged before it is
                quantised; see :func:`~voxguard.models.segments.segmented`. None: over none.
            intonation: How the pitch contour is changed; by default it is moved to the target's
                mean and spread.
            tempo: How the durations are changed; by default not at all.

        Returns:
            ``(n,)`` float32. Silence stays silence.
        """
        if not np.any(samples):
            return np.zeros_like(samples)
        heard_at = -int(np.frexp(np.abs(samples).max())[1])  # faint speech is heard as well as loud
        source = np.ldexp(samples, heard_at)
        f0 = track_f0(source)
        mel = log_mel_envelope(source, f0)
        if tempo is not None:
            f0, mel = tempo.warp(f0, mel)
        statistics = measure(mel)
        heard = (floored(mel - np.float32(statistics.level)) - statistics.mean) / statistics.spread
        pitch = revoiced(f0, target, intonation)
        tone = pitch_features(pitch, target.log_f0_mean)
        decoded = self.decode(heard, tone, target, levels, segments)
        said = sharpened(decoded[:, :-1])
        level = np.float32(statistics.level)
        bands = faded(without_floor(said), mel - level) + level
        made = synthesize(pitch, bands, np.clip(10.0 * decoded[:, -1], -60.0, 0.0), rng)
        return levelled(np.ldexp(fit(made[None], len(samples))[0], -heard_at), samples)

    def decode(
        self,
        heard: Floats,
        pitch: Floats,
        target: Target,
        levels: int | None,
        segments: float | None = None,
    ) -> npt.NDArray[np.float32]:
        """Through the network in overlapping chunks, which leave no seam and bound the memory.

        Args:
            heard: ``(m, 80)`` normalised envelope.
            pitch: ``(3, m)``.
            target: The voice.
            levels: As in :meth:`convert`.
            segments: Likewise; they count for nothing where there is no quantiser.

        Returns:
            ``(m, 81)``: envelope and aperiodicity.

        Raises:
            ConfigurationError: The network's quantiser has fewer levels.
        """
        frames, network = len(heard), self.network
        odd = frames % STRIDE
        mel = np.pad(heard, ((0, odd), (0, 0)), mode="edge")
        tone = np.pad(pitch.T, ((0, odd), (0, 0)))
        content = self._in_chunks(len(mel), STRIDE, lambda here: network.content(mel[here]))
        if levels is not None and segments is not None:
            content = segmented(content, segments)

        def said(here: slice) -> Floats:
            codes = content[here.start // STRIDE : -(-here.stop // STRIDE)]
            return network.said(network.quantised(codes, levels), tone[here], target.vector, levels)

        return self._in_chunks(len(mel), 1, said)[:frames]

    def _in_chunks(self, frames: int, stride: int, work: Callable[[slice], Floats]) -> Floats:
        """What is made of so many frames, each chunk with what the network hears around it."""
        context, parts = self.network.context, []
        for start in range(0, frames, CHUNK):
            first, end = max(0, start - context), start + CHUNK
            made = work(slice(first, min(end + context, frames)))
            parts.append(made[(start - first) // stride : (end - first) // stride])
        return np.concatenate(parts)


def check_levels(levels: int | None) -> int | None:
    """Levels, if they are such."""
    if levels is not None and (type(levels) is not int or levels not in LEVELS):
        raise ConfigurationError(
            f"levels takes 1 (least content) to {LEVELS[-1]}, or None for no bottleneck; "
            f"got {levels!r}"
        )
    return levels


def levelled(made: Samples, heard: Samples) -> Samples:
    """At the level of the speech that was heard, within full scale unless that was not.

    One gain for all: the timing may have changed. What towers above speech in either (a knock,
    which need not be at the same place any more) does not count. Peaks are at most 5 dB above those
    that were heard.
    """
    was, now = (_frame_powers(x) for x in (heard, made))
    loud, given = (np.percentile(x, 90.0) for x in (was, now))
    speech = (was > loud / _ACTIVE) & (was < _KNOCK * loud) & (now < _KNOCK * given)
    if not was[speech].any() or not now[speech].any():
        speech[:] = True
    power = float(now[speech].sum())
    gain = np.sqrt(float(was[speech].sum()) / power) if power > 0.0 else 0.0
    peak = float(np.abs(heard).max())
    limit = min(HEADROOM * peak, max(1.0, peak))
    out: Samples = np.clip(made * np.float32(gain), -limit, limit)
    return out


def _frame_powers(samples: Samples) -> npt.NDArray[np.float64]:
    """Of frames of 20 ms, ``(m,)``."""
    frames = np.pad(samples, (0, -len(samples) % (2 * HOP))).reshape(-1, 2 * HOP)
    return np.asarray(np.square(frames, dtype=np.float64).mean(axis=1))
