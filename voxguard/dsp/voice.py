"""Voices that no person owns: a source-filter synthesizer for demonstrations and tests.

A glottal pulse train (Rosenberg 1971) and noise go through formants (Fant 1960) that move from
syllable to syllable. Nothing is intelligible, but pitch, formants, bursts and pauses are those of
speech, and every speaker number is a different voice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError

Floats = npt.NDArray[np.float64]

MIN_RATE, MAX_RATE = 4_000, 384_000
ACTIVE_LEVEL_DBFS = -26.0
PEAK_LIMIT = 0.89

_CONTROL_HZ = 1000  # articulation is described once a millisecond
_RESPONSE_S = 0.04  # how long one glottal pulse rings; an integer at every common rate
_NOISE_HOP_MS = 5
_NOISE_TOP_HZ = 24_000
_NOISE_GAIN = 0.01  # breath 20 dB below a vowel
_HISS_GAIN = 7.0  # [s] 12 dB below a vowel
_BLOCK = 256  # pulses or noise frames worked on at once, which bounds the memory

# Formants in Hz of ten American English vowels (Peterson & Barney 1952, men).
# fmt: off
_VOWELS = np.array([
    [270, 2290, 3010], [390, 1990, 2550], [530, 1840, 2480], [660, 1720, 2410], [730, 1090, 2440],
    [570, 840, 2410], [440, 1020, 2240], [300, 870, 2240], [640, 1190, 2390], [490, 1350, 1690],
])
# fmt: on


class _Segment(NamedTuple):
    """A stretch of articulation: targets, and levels relative to a full vowel's."""

    ms: float
    formants: Any
    voice: float = 0.0
    breath: float = 0.003  # never quite silent
    hiss: float = 0.0
    hiss_hz: float = 5000.0
    hiss_width_hz: float = 2000.0


def _stop(locus: tuple[int, int, int], burst_hz: float, voiced: bool) -> list[_Segment]:
    """A plosive: closure, burst, and aspiration unless voiced."""
    closure = _Segment(60, locus, voice=0.12 if voiced else 0.0)
    burst = _Segment(9, locus, hiss=1.0, hiss_hz=burst_hz, hiss_width_hz=900.0)
    return [closure, burst] if voiced else [closure, burst, _Segment(35, locus, breath=1.0)]


_CONSONANTS = [
    [_Segment(110, (320, 1700, 2600), hiss=0.9, hiss_hz=6500, hiss_width_hz=1500)],  # s
    [_Segment(105, (320, 1800, 2300), hiss=0.9, hiss_hz=3200, hiss_width_hz=900)],  # sh
    [_Segment(90, (330, 1100, 2200), hiss=0.25, hiss_hz=7000, hiss_width_hz=6000)],  # f
    [_Segment(80, (320, 1700, 2600), 0.25, 0.003, 0.4, 6500, 1500)],  # z
    [_Segment(70, (500, 1500, 2500), breath=1.2)],  # h
    [_Segment(65, (270, 1100, 2200), voice=0.3)],  # m
    [_Segment(65, (270, 1600, 2600), voice=0.3)],  # n
    [_Segment(60, (360, 1250, 2700), voice=0.5)],  # l
    [_Segment(60, (300, 700, 2200), voice=0.5)],  # w
    [_Segment(55, (340, 1300, 1650), voice=0.5)],  # r
    _stop((300, 800, 2200), 900, voiced=False),  # p
    _stop((300, 1750, 2700), 3900, voiced=False),  # t
    _stop((300, 2000, 2300), 1900, voiced=False),  # k
    _stop((280, 850, 2200), 900, voiced=True),  # b
    _stop((280, 1700, 2600), 3600, voiced=True),  # d
]


class _Speaker:
    """What stays the same whatever is said, spread evenly over the speakers."""

    def __init__(self, number: int) -> None:
        # A Kronecker sequence: however many the speakers, they fill the space of voices evenly.
        primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43]
        unit = (0.37 + number * np.sqrt(primes)) % 1.0
        self.f0_hz = 85.0 * (250.0 / 85.0) ** unit[0]
        self.range_semitones = 1.5 + 2.5 * unit[1]
        self.formant_scale = 0.84 + 0.2 * unit[0] + 0.2 * unit[2]  # 1 is the average man
        self.tilt_db = -10.0 * unit[3]  # per octave above 1 kHz
        self.breathiness = 0.05 + 0.55 * unit[4] ** 2
        self.rate = 0.8 + 0.45 * unit[5]
        self.open_quotient = 0.5 + 0.25 * unit[6]
        self.upper_hz = np.arange(3500.0, 26_000.0, 1000.0)  # the formants from the fourth on
        self.upper_hz[:4] += 700.0 * (unit[7:11] - 0.5)
        self.vowel_space = np.array([0.85, 0.85, 0.85]) + 0.3 * unit[11:14]
        self.hiss = 0.8 + 0.4 * unit[13]  # scales the frequencies of fricatives
        self.jitter = 0.004 + 0.008 * unit[1]


def fundamental_hz(speaker: int) -> float:
    """Mean F0 in Hz of a synthetic speaker.

    Example:
        >>> from voxguard.dsp.voice import fundamental_hz
        >>> round(fundamental_hz(0))
        127
    """
    return float(_Speaker(speaker).f0_hz)


def synthetic_voice(
    *, seconds: float = 3.0, sample_rate: int = 16_000, speaker: int = 0, seed: int = 0
) -> Samples:
    """Make a voice without a recording behind it.

    It follows the source-filter theory of G. Fant, "Acoustic Theory of Speech Production", 1960,
    with the glottal pulse of A. E. Rosenberg, "Effect of glottal pulse shape on the quality of
    natural vowels", JASA 49, 1971. Every pulse is made in the frequency domain, so nothing aliases,
    and the voice is the same one at every rate.

    Args:
        seconds: Length.
        sample_rate: Hz, 4000 to 384000.
        speaker: Who speaks: pitch, vocal-tract length, timbre, breathiness and pace. From 0.
        seed: What is said; the same seed is the same text from every speaker. From 0.

    Returns:
        ``(n,)`` float32 at -26 dBFS over active speech, the same for the same arguments.

    Raises:
        ConfigurationError: A value outside of these ranges.

    Example:
        >>> from voxguard import synthetic_voice
        >>> synthetic_voice(seconds=0.5, sample_rate=8_000, speaker=3).shape
        (4000,)
    """
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise ConfigurationError(
            f"sample_rate= takes {MIN_RATE} to {MAX_RATE} Hz, got {sample_rate!r}"
        )
    length = round(seconds * sample_rate) if 0 < seconds < 1e6 else 0
    if length < 1 or speaker < 0 or seed < 0:
        raise ConfigurationError(
            "a voice takes seconds above 0, and speaker and seed from 0; got "
            f"seconds={seconds!r}, speaker={speaker!r}, seed={seed!r}"
        )
    who = _Speaker(speaker)
    said = _articulate(who, length / sample_rate, np.random.default_rng(seed))
    rng = np.random.default_rng([seed, speaker])
    synthesis = _Synthesis(who, said, length, sample_rate, rng)
    synthesis.add_pulses()
    synthesis.add_noise()
    return _level(synthesis.out[:length], sample_rate)


def _articulate(who: _Speaker, seconds: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """What is said: a row of segment values each millisecond, and F0 in Hz."""
    neutral = (500, 1500, 2500)
    segments: list[_Segment] = []
    pitch: list[Floats] = []
    spent = 0.0
    while spent <= seconds * 1000.0:
        start = len(segments)
        for syllable in range(int(rng.integers(3, 9))):
            if syllable and rng.random() < 0.9:
                segments += _CONSONANTS[rng.integers(len(_CONSONANTS))]
            vowel = _VOWELS[rng.integers(len(_VOWELS))] * rng.normal(1.0, 0.03, 3)
            segments.append(_Segment(rng.uniform(70, 200), vowel, voice=rng.uniform(0.7, 1.0)))
        last = segments[-1]
        segments[-1] = last._replace(ms=1.4 * last.ms, voice=0.7 * last.voice)
        segments.append(_Segment(rng.uniform(150, 450), neutral))
        ms = sum(segment.ms for segment in segments[start:])
        phrase = round(ms / who.rate)
        accents = rng.normal(0.0, 1.0, int(ms) // 250 + 3)  # one about each syllable
        places = np.linspace(0, phrase, accents.size)
        semitones = 0.6 * np.interp(np.arange(phrase), places, accents)
        pitch.append(semitones + np.linspace(1.0, -1.2, phrase))  # declination
        spent += phrase
    ends = np.round(np.cumsum([segment.ms / who.rate for segment in segments])).astype(int)
    rows = np.array([[*s.formants, *s[2:]] for s in segments], dtype=np.float64)
    rows[:, :3] *= who.vowel_space
    score = rows[np.searchsorted(ends, np.arange(ends[-1]), side="right")]
    for columns, width_ms in ((slice(0, 3), 60), (slice(3, 5), 25), (slice(5, 8), 7)):
        score[:, columns] = _smooth(score[:, columns], width_ms)
    contour = _smooth(np.concatenate(pitch)[:, None], 120)[:, 0]
    f0_hz = who.f0_hz * 2.0 ** (who.range_semitones * contour / 12.0)
    reach = min(len(score), len(f0_hz))
    return score[:reach], f0_hz[:reach]


def _smooth(tracks: Floats, width: int) -> Floats:
    """Moving average with a Hann window along the first axis; the ends are held."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(tracks, ((width // 2, width - 1 - width // 2), (0, 0)), mode="edge")
    smooth = [np.convolve(column, window / window.sum(), "valid") for column in padded.T]
    return np.stack(smooth, axis=1)


class _Synthesis:
    """What is said, as a signal that sources are added to, each through the vocal tract."""

    def __init__(
        self,
        who: _Speaker,
        said: tuple[Floats, Floats],
        length: int,
        rate: int,
        rng: np.random.Generator,
    ) -> None:
        self.who, self.rate, self.rng = who, rate, rng
        self.score, self.f0_hz = said
        self.length, self.size = length, round(_RESPONSE_S * rate)
        self.out = np.zeros(length + self.size + 1)
        self.hz = np.fft.rfftfreq(self.size, 1.0 / rate)[1:]
        self.edge = np.clip((rate / 2 - self.hz) / (0.04 * rate), 0.0, 1.0)  # of the band
        self.fixed = self.edge * (1.0 + 0.0j)
        self.fixed *= (np.maximum(self.hz, 1000.0) / 1000.0) ** (who.tilt_db / 6.02)
        for formant_hz in who.upper_hz:
            self.fixed /= self._resonator(formant_hz, 100.0 + 0.05 * formant_hz)

    def add_pulses(self) -> None:
        """Add the voiced part: each glottal pulse rings in the vocal tract of its moment."""
        cycles = np.cumsum(self.f0_hz) / _CONTROL_HZ
        at = np.interp(np.arange(1.0, cycles[-1]), cycles, np.arange(len(cycles)))
        at += self.rng.normal(0.0, self.who.jitter, at.size) * _CONTROL_HZ / self.who.f0_hz
        moment = np.clip(at.astype(int), 0, len(cycles) - 1)
        strength = self.score[moment, 3] * (1.0 + self.rng.normal(0.0, 0.04, at.size))
        s = 2j * np.pi * self.hz
        heard = (strength > 1e-3) & (at >= 0) & (at * self.rate / _CONTROL_HZ < self.length)
        for block in _blocks(np.flatnonzero(heard)):
            start = at[block] * self.rate / _CONTROL_HZ
            late_s = ((start - start.astype(int)) / self.rate)[:, None]
            open_s = self.who.open_quotient / self.f0_hz[moment[block], None]
            rise, fall = 0.67 * open_s, 0.33 * open_s
            # Laplace transform of the derivative of Rosenberg's pulse C, a piecewise polynomial.
            opening = (6 / rise**2 - 12 / rise**3 / s) / s**2
            peak = (6 / rise**2 - 2 / fall**2 + 12 / rise**3 / s) / s**2
            closure = (2 / fall + 2 / fall**2 / s) / s
            source = opening + np.exp(-s * rise) * (peak + np.exp(-s * fall) * closure)
            source *= np.exp(-s * late_s) * (strength[block, None] * rise / _RESPONSE_S)
            self._overlap_add(start.astype(int), source * self._tract(self.score[moment[block]]))

    def add_noise(self) -> None:
        """Add breath, which passes the vocal tract, and the hiss of fricatives and bursts."""
        width = round(2 * _NOISE_HOP_MS * self.rate / 1000)
        window = np.pad(np.hanning(width + 1)[:-1], (0, self.size - width))
        bins = round(_NOISE_TOP_HZ * _RESPONSE_S)
        end = min(len(self.score), -(-self.length * 1000 // self.rate))
        for block in _blocks(np.arange(0, end, _NOISE_HOP_MS)):
            now = self.score[block]
            noise = self.rng.normal(size=(block.size, 2 * bins)).view(np.complex128)
            noise = np.pad(noise, ((0, 0), (0, max(0, self.hz.size - bins))))[:, : self.hz.size]
            breath = (now[:, 4, None] + self.who.breathiness * now[:, 3, None]) * self._tract(now)
            off = (self.hz - self.who.hiss * now[:, 6, None]) / now[:, 7, None]
            hiss = _HISS_GAIN * now[:, 5, None] * self.edge / (1.0 + off**2)
            start = np.round(block * self.rate / 1000).astype(int)
            self._overlap_add(start, _NOISE_GAIN * noise * (breath + hiss), window)

    def _tract(self, now: Floats) -> Any:
        """Response of the vocal tract, a cascade of resonators (Fant 1960), at some moments."""
        response = np.broadcast_to(self.fixed, (len(now), self.hz.size)).copy()
        for number, bandwidth_hz in enumerate((70.0, 90.0, 130.0)):
            response /= self._resonator(now[:, number, None], bandwidth_hz)
        return response

    def _resonator(self, formant_hz: Any, bandwidth_hz: float) -> Any:
        """Denominator of a resonance that is 1 at 0 Hz."""
        squared = (self.who.formant_scale * formant_hz) ** 2 + bandwidth_hz**2 / 4
        return 1.0 - (self.hz - 1j * bandwidth_hz) * self.hz * (1.0 / squared)

    def _overlap_add(self, starts: Any, spectra: Any, window: Any = 1.0) -> None:
        waves = np.fft.irfft(np.pad(spectra, ((0, 0), (1, 0))), self.size) * window * self.size
        for start, wave in zip(starts, waves, strict=True):
            if start + self.size <= self.out.size:
                self.out[start : start + self.size] += wave


def _blocks(rows: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    return np.split(rows, range(_BLOCK, rows.size, _BLOCK))


def _level(voice: Floats, rate: int) -> Samples:
    """Bring to the level, measured where there is speech."""
    frame = max(1, rate // 50)
    power = np.add.reduceat(voice**2, np.arange(0, voice.size, frame)) / frame
    active = power > 0.003 * power.max()
    gain = 10.0 ** (ACTIVE_LEVEL_DBFS / 20.0) / np.sqrt(power[active].mean())
    level: Samples = (voice * min(gain, PEAK_LIMIT / np.abs(voice).max())).astype(np.float32)
    return level
