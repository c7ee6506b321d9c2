"""Voice conversion of a live signal, 20 ms at a time."""

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
from voxguard.models.prosody import Contour, Intonation, pitch_features, recording_seeds, spoken
from voxguard.models.running import RunningEnvelope, RunningPitch

if TYPE_CHECKING:
    from voxguard.models.pool import Target

Floats = npt.NDArray[np.float32]

FILE = "converter-live.safetensors"
FRAMES = 2  # in one step of the network
REACH = max(ENVELOPE_REACH, PITCH_REACH)  # samples that a frame needs on each side of it
STEP = FRAMES * HOP
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
    is cut into chunks.

    Args:
        network: Shared by all signals.
        target: The voice.
        seed: Of the noise and of the melody that is mixed in; together with the first sound that is
            heard, so that no two signals in one voice have the same.
        levels: Levels of the quantiser that pass.
        intonation: Correlation of the new pitch contour with the old one; None leaves it.
        louder_db: Level of the speech that comes out, against what is usual; it is there once some
            syllables were heard. None: as loud as what goes in.
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
    ) -> None:
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
        while len(self._heard) >= STEP - HOP + 2 * REACH + 1:
            parts.append(self._step(self._heard[: STEP - HOP + 2 * REACH + 1]))
            self._heard = self._heard[STEP:]
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

    def _begin(self, samples: Samples) -> None:
        """Draw for this signal, of which these are the first that are not zero."""
        self._hears_nothing = False
        noise, melody, _ = recording_seeds(self._seed, samples)
        self._vocoder.rng = np.random.default_rng(noise)
        if self._kept is not None:
            self._intonation = Intonation(self._kept, melody)
            self._drawn = self._intonation.drawn()

    def _step(self, samples: Samples) -> Samples:
        """Hear two frames, the first ``REACH`` after the start, and say what lies before them."""
        if self._hears_nothing and samples.any():
            self._begin(samples)
        here = samples[REACH - PITCH_REACH : len(samples) - REACH + PITCH_REACH - 1]
        f0 = self._search.now(candidates(here))
        here = samples[REACH - ENVELOPE_REACH :]
        raw = log_mel(envelope_at(here, 0, f0))
        heard = np.stack([self._envelope.normalise(frame) for frame in raw])
        statistics = [self._pitch.hear(float(hertz)) for hertz in f0][-1]
        f0, raw = self._due(f0, raw)
        drawn = None if self._drawn is None else self._drawn.take(FRAMES)
        pitch = spoken(f0, statistics, self._target, self._intonation, drawn)
        tone = pitch_features(pitch, self._target.log_f0_mean)
        decoded = self._network.push(heard, tone.T)
        said = sharpened(decoded[:, :-1])
        level = np.float32(self._envelope.level)
        lift = self._lift()
        bands = faded(without_floor(said), raw - level) + level + lift
        made = self._vocoder.push(pitch, bands, np.clip(10.0 * decoded[:, -1], -60.0, 0.0))
        original, self._waiting = self._waiting[: len(made)], self._waiting[len(made) :]
        if self._louder_db is None:
            return self._level.correct(original, made)
        loud: Samples = self._level.correct(original * np.exp(lift / 2), made)
        return np.clip(loud, -1.0, 1.0)

    def _lift(self) -> np.float32:
        """Nepers of power from what was heard so far to what is to come out."""
        if self._louder_db is None:
            return np.float32(0.0)
        loudness, surely = self._envelope.loudness
        heard_db = USUAL_DB + DECIBELS * (loudness - self._usual)
        most_db = np.clip(2.0 * (heard_db - SILENCE_DB), 0.0, MOST_LIFT_DB)
        lift_db = min(USUAL_DB + self._louder_db - heard_db, most_db)
        return np.float32(surely * lift_db / DECIBELS)

    def _due(self, f0: Floats, bands: Floats) -> tuple[Floats, Floats]:
        """Pitch and envelope of the frames that are to be said when these are heard."""
        pitches = np.concatenate([self._pitches, f0])
        raw = np.concatenate([self._bands, bands])
        self._pitches, self._bands = pitches[FRAMES:], raw[FRAMES:]
        return pitches[:FRAMES], raw[:FRAMES]


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
