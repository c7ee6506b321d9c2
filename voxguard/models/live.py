"""Voice conversion of a live signal, 20 ms at a time, or more where nobody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.dsp.envelope import BANDS, envelope_at, log_mel
from voxguard.dsp.envelope import HALF_WINDOW as ENVELOPE_REACH
from voxguard.dsp.level import LevelLoop
from voxguard.dsp.pitch import HALF_WINDOW as PITCH_REACH
from voxguard.dsp.pitch import HOP, SAMPLE_RATE, PathSearch, candidates
from voxguard.dsp.vocoder import Vocoder
from voxguard.models.network_live import LiveNetwork, NetworkStream
from voxguard.models.normalization import faded, sharpened, without_floor
from voxguard.models.prosody import (
    Contour,
    Intonation,
    PitchStatistics,
    pitch_features,
    recording_seeds,
    spoken,
)
from voxguard.models.running import RunningEnvelope, RunningPitch

if TYPE_CHECKING:
    from voxguard.models.pool import Target

Floats = npt.NDArray[np.float32]

FILE = "converter-live.safetensors"
FRAMES = 2  # in one step of the network
REACH = max(ENVELOPE_REACH, PITCH_REACH)  # samples that a frame needs on each side of it
STEP = FRAMES * HOP
_AROUND = 2 * REACH + 1 - HOP  # samples that steps need beyond their own
NOTHING = -30.0  # nepers, of a frame before the signal
DECIBELS = 10.0 / np.log(10.0)  # in a neper of power
USUAL_DB = -21.1  # against full scale: the level of 239 speakers of LibriSpeech, their mean
MOST_LIFT_DB, SILENCE_DB = 30.0, -75.0


def latency_samples(network: LiveNetwork) -> int:
    """Two frames, half an analysis window, and the frames that the network hears ahead."""
    return STEP + REACH + network.ahead * HOP


class LiveConverter:
    """One channel; a :class:`~voxguard.streaming.StreamRenderer` of 41 ms, and 10 a frame ahead.

    Every step works on the same number of samples, so the result does not depend on how the signal
    is cut into chunks. Of a chunk that is longer, many steps at once are several times as fast, and
    the same but for rounding.

    Args:
        network: Shared by all signals.
        target: The voice.
        seed: Of the noise and of the melody that is mixed in; together with the first sound that is
            heard, so that no two signals in one voice have the same.
        levels: Levels of the quantiser that pass.
        intonation: Correlation of the new pitch contour with the old one; None leaves it.
        louder_db: Level of the speech that comes out, against what is usual; it is there once some
            syllables were heard. None: as loud as what goes in.
        at_once: Steps of 20 ms that are taken at once, where as many are there.
    """

    def __init__(
        self,
        network: LiveNetwork,
        target: Target,
        *,
        seed: int,
        levels: int | None = 3,
        intonation: float | None = None,
        louder_db: float | None = None,
        at_once: int = 1,
    ) -> None:
        self._at_once = at_once
        self._network = NetworkStream(network, target.vector, levels)
        self._target, self._seed, self._kept = target, seed, intonation
        self._intonation: Intonation | None = None
        self._drawn: Contour | None = None
        self._hears_nothing = True  # up to now
        self._envelope = RunningEnvelope(network.population)
        self._usual, self._louder_db = self._envelope.level, louder_db
        self._pitch = RunningPitch()
        self._search = PathSearch()
        self._vocoder = Vocoder(np.random.default_rng(seed))
        self._level = LevelLoop(HOP, SAMPLE_RATE)
        self._heard = np.zeros(REACH, np.float32)  # from REACH before the next frame on
        ahead = network.ahead
        self._pitches = np.zeros(ahead, np.float32)  # of frames that were heard and not yet said
        self._bands = np.full((ahead, BANDS), NOTHING, np.float32)
        self._waiting = np.zeros(ahead * HOP, np.float32)  # heard and not yet said
        self._early = ahead * HOP  # samples to come that lie before the signal
        self._latency = latency_samples(network)
        self._taken = self._given = 0

    @property
    def latency_samples(self) -> int:
        """41 ms, and 10 for each frame that the network hears ahead."""
        return self._latency

    def push(self, samples: Samples) -> Samples:
        """Take ``(n,)``, give what is ready."""
        self._taken += len(samples)
        self._heard = np.concatenate([self._heard, samples])
        self._waiting = np.concatenate([self._waiting, samples])
        parts = [np.zeros(0, np.float32)]
        while steps := min(self._whole_steps(), 1 if self._hears_nothing else self._at_once):
            parts.append(self._step(self._heard[: steps * STEP + _AROUND]))
            self._heard = self._heard[steps * STEP :]
        ready = np.concatenate(parts)
        early = min(self._early, len(ready))
        self._early -= early
        self._given += len(ready) - early
        return ready[early:]

    def flush(self) -> Samples:
        """The rest, as if silence followed."""
        missing = self._taken - self._given
        rest = self.push(np.zeros(missing + self._latency + STEP, np.float32))
        return rest[:missing]

    def _whole_steps(self) -> int:
        return max(0, (len(self._heard) - _AROUND) // STEP)

    def _begin(self, samples: Samples) -> None:
        """Draw for this signal, of which these are the first that are not zero."""
        self._hears_nothing = False
        noise, melody, _ = recording_seeds(self._seed, samples)
        self._vocoder.rng = np.random.default_rng(noise)
        if self._kept is not None:
            self._intonation = Intonation(self._kept, melody)
            self._drawn = self._intonation.drawn()

    def _step(self, samples: Samples) -> Samples:
        """Hear pairs of frames, the first ``REACH`` after the start, and say what is due."""
        if self._hears_nothing and samples.any():
            self._begin(samples)
        here = samples[REACH - PITCH_REACH : len(samples) - REACH + PITCH_REACH - 1]
        f0 = self._search.now(candidates(here))
        here = samples[REACH - ENVELOPE_REACH :]
        raw = log_mel(envelope_at(here, 0, f0))
        heard, statistics, levels, lifts = self._listen(f0, raw)
        f0, raw = self._due(f0, raw)
        pitch = np.concatenate(
            [self._spoken(*pair) for pair in zip(f0.reshape(-1, FRAMES), statistics, strict=True)]
        )
        tone = pitch_features(pitch, self._target.log_f0_mean)
        decoded = self._network.push(heard, tone.T)
        said = sharpened(decoded[:, :-1])
        level, lift = (np.repeat(each, FRAMES)[:, None] for each in (levels, lifts))
        bands = faded(without_floor(said), raw - level) + level + lift
        made = self._vocoder.push(pitch, bands, np.clip(10.0 * decoded[:, -1], -60.0, 0.0))
        original, self._waiting = self._waiting[: len(made)], self._waiting[len(made) :]
        if self._louder_db is None:
            return self._level.correct(original, made)
        louder = np.repeat(np.exp(lifts / 2), STEP)[-len(made) :]  # the first frame only begins
        loud: Samples = self._level.correct(original * louder, made)
        return np.clip(loud, -1.0, 1.0)

    def _listen(
        self, f0: Floats, bands: Floats
    ) -> tuple[Floats, list[PitchStatistics], Floats, Floats]:
        """Normalised frames; of each pair the pitch so far, the level so far and the lift."""
        heard, pitches, levels, lifts = [], [], [], []
        for k in range(0, len(f0), FRAMES):
            heard += [self._envelope.normalise(frame) for frame in bands[k : k + FRAMES]]
            pitches.append([self._pitch.hear(float(hertz)) for hertz in f0[k : k + FRAMES]][-1])
            levels.append(self._envelope.level)
            lifts.append(self._lift())
        return np.stack(heard), pitches, *np.array([levels, lifts], np.float32)

    def _spoken(self, f0: Floats, statistics: PitchStatistics) -> Floats:
        drawn = None if self._drawn is None else self._drawn.take(FRAMES)
        return spoken(f0, statistics, self._target, self._intonation, drawn)

    def _lift(self) -> float:
        """Nepers of power from what was heard so far to what is to come out."""
        if self._louder_db is None:
            return 0.0
        loudness, surely = self._envelope.loudness
        heard_db = USUAL_DB + DECIBELS * (loudness - self._usual)
        most_db = np.clip(2.0 * (heard_db - SILENCE_DB), 0.0, MOST_LIFT_DB)
        lift_db = min(USUAL_DB + self._louder_db - heard_db, most_db)
        return float(surely * lift_db / DECIBELS)

    def _due(self, f0: Floats, bands: Floats) -> tuple[Floats, Floats]:
        """Pitch and envelope of the frames that are to be said when these are heard."""
        pitches = np.concatenate([self._pitches, f0])
        raw = np.concatenate([self._bands, bands])
        due = len(f0)
        self._pitches, self._bands = pitches[due:], raw[due:]
        return pitches[:due], raw[:due]


class LiveChannels:
    """Several channels, each by itself."""

    def __init__(self, channels: list[LiveConverter]) -> None:
        self._channels = channels

    @property
    def latency_samples(self) -> int:
        """Of any of them."""
        return self._channels[0].latency_samples

    def push(self, samples: Samples) -> Samples:
        """Take ``(channels, n)``, give what is ready."""
        return np.stack([c.push(x) for c, x in zip(self._channels, samples, strict=True)])

    def flush(self) -> Samples:
        """The rest."""
        return np.stack([channel.flush() for channel in self._channels])
