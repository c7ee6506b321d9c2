"""Two people in one recording, with each one's part known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.audio import check_sample_rate
from voxguard.errors import ConfigurationError, UnsupportedAudioError

_FRAME_MS = 10
_BELOW_LOUD_DB = 40.0
_PEAK = 0.89


@dataclass(frozen=True, eq=False)
class Mixture:
    """What a device hears, and who said what of it.

    Attributes:
        main: ``(n,)`` float32, the user alone.
        bystander: ``(n,)`` float32, the other person alone.
        sample_rate: Hz.
    """

    main: Samples
    bystander: Samples
    sample_rate: int

    @property
    def samples(self) -> Samples:
        """``(n,)`` float32: both together."""
        return self.main + self.bystander


def mix(
    main: Sequence[Samples],
    bystander: Sequence[Samples],
    sample_rate: int,
    *,
    overlap: float = 0.0,
    snr_db: float = 0.0,
    pause_s: tuple[float, float] = (0.1, 0.5),
    seed: int = 0,
) -> Mixture:
    """Let two people talk in turns.

    The user begins, the bystander follows, and so on; whoever has turns left goes on alone. Each
    turn of the bystander begins while the user still speaks, and covers the share ``overlap`` of
    the shorter of the two turns; without overlap there is a pause.

    Args:
        main: Turns of the user, ``(n_i,)`` float32 each.
        bystander: Turns of the other person.
        sample_rate: Hz, of all.
        overlap: 0 (in turns) to 1 (the shorter of two turns lies wholly within the other).
        snr_db: Level of the user's speech over the bystander's; both levels are of active speech.
            SH-Bench's synthetic part has 10 dB.
        pause_s: Shortest and longest pause between turns.
        seed: Of the pauses.

    Returns:
        Both parts, scaled together so that the sum does not clip.

    Raises:
        ConfigurationError: No turns, or a number out of its range.
        UnsupportedAudioError: A turn that is not ``(n,)``, or nobody is heard in it.

    References:
        "Protecting bystander privacy via selective hearing in audio LLMs" (SH-Bench), ACL 2026,
        arXiv:2512.06380.

    Example:
        >>> import voxguard
        >>> from voxguard.probes.bystanders import mix
        >>> one, other = (voxguard.synthetic_voice(seconds=1.0, speaker=i) for i in (0, 1))
        >>> mixture = mix([one], [other], 16_000, pause_s=(0.5, 0.5))
        >>> len(mixture.samples) / 16_000, bool(mixture.main[16_000:].any())
        (2.5, False)
    """
    rate = check_sample_rate(sample_rate)
    if not (main and bystander and 0.0 <= overlap <= 1.0 and 0.0 <= pause_s[0] <= pause_s[1]):
        raise ConfigurationError(
            "a mixture takes turns of both, overlap from 0 to 1 and a shortest and a longest "
            f"pause; got {len(main)} and {len(bystander)} turns, {overlap!r} and {pause_s!r}"
        )
    loudness = [
        active_rms(np.concatenate([_checked(t) for t in of]), rate) for of in (main, bystander)
    ]
    gains = 1.0, loudness[0] / loudness[1] * 10.0 ** (-snr_db / 20.0)
    rng = np.random.default_rng(seed)
    placed: list[tuple[int, int, Samples]] = []
    last = (0, 0)
    for number in range(max(len(main), len(bystander))):
        for who, turns in enumerate((main, bystander)):
            if number >= len(turns):
                continue
            turn = turns[number]
            start = _start(last, len(turn), who, overlap, placed, rng.uniform(*pause_s) * rate)
            placed.append((who, start, turn))
            last = start, max(last[1], start + len(turn))
    parts = np.zeros((2, last[1]), np.float32)
    for who, start, turn in placed:
        parts[who, start : start + len(turn)] += np.float32(gains[who]) * turn
    parts *= np.float32(min(1.0, _PEAK / np.abs(parts.sum(axis=0)).max()))
    return Mixture(parts[0], parts[1], rate)


def _start(
    last: tuple[int, int],
    length: int,
    who: int,
    overlap: float,
    placed: Sequence[tuple[int, int, Samples]],
    pause: float,
) -> int:
    """Where a turn begins, given the start and the end of what was placed before."""
    if not placed:
        return 0
    start, end = last
    if who == 1 and overlap > 0.0:
        return max(start, end - round(overlap * min(length, end - start)))
    return end + round(pause)


def active_rms(samples: Samples, sample_rate: int) -> float:
    """Root mean square where there is speech: frames of 10 ms within 40 dB of the loud ones.

    Raises:
        UnsupportedAudioError: All samples are zero.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.bystanders.mixture import active_rms
        >>> active_rms(np.r_[np.zeros(1600), np.full(1600, 0.5)].astype(np.float32), 16_000)
        0.5
    """
    power = frame_power(samples, sample_rate)
    loud = float(np.percentile(power, 95)) or float(power.max(initial=0.0))
    if loud == 0.0:
        raise UnsupportedAudioError("digital silence: nobody is heard in it; leave it out")
    return float(np.sqrt(power[power >= loud * 10.0 ** (-_BELOW_LOUD_DB / 10.0)].mean()))


def frame_power(samples: Samples, sample_rate: int) -> npt.NDArray[np.float64]:
    """``(frames,)``: mean power of each 10 ms; of the last frame, of what there is.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.bystanders.mixture import frame_power
        >>> frame_power(np.full(400, 2.0, np.float32), 16_000)
        array([4., 4., 4.])
    """
    hop = sample_rate * _FRAME_MS // 1000
    starts = np.arange(0, samples.size, hop)
    sums = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    power: npt.NDArray[np.float64] = sums / np.minimum(hop, samples.size - starts)
    return power


def _checked(turn: Samples) -> Samples:
    if turn.ndim != 1 or not turn.size:
        raise UnsupportedAudioError(f"a turn is (n,), one channel; got shape {turn.shape}")
    return turn
