"""An MP3 at a constant bit rate, there and back, in memory."""

from __future__ import annotations

import io

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.utility.checks import one_channel
from voxguard.utility.stress.signals import converted

# kbit/s of Layer III by sampling frequency: ISO/IEC 11172-3, ISO/IEC 13818-3, and "MPEG 2.5".
_MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_25 = (8, 16, 24, 32, 40, 48, 56, 64)
BIT_RATES = {
    **dict.fromkeys((8_000, 11_025, 12_000), _MPEG_25),
    **dict.fromkeys((16_000, 22_050, 24_000), _MPEG_2),
    **dict.fromkeys((32_000, 44_100, 48_000), _MPEG_1),
}

# Filter bank of encoder (LAME: 576 + 1) and decoder (528): what remains of it where the frames are
# too small for the tag by which a decoder would take it off.
_DELAY = 1105


def mp3(samples: Samples, sample_rate: int, kilobits: int) -> Samples:
    """Encode speech as MP3 and decode it (libsndfile with LAME and mpg123).

    Args:
        samples: ``(n,)`` float; what is louder than full scale is turned down for the coding and up
            again, so that nothing clips.
        sample_rate: Hz. Rates that MP3 does not know go by way of the next higher one, or 48 kHz.
        kilobits: Bit rate in kbit/s, one of those that MP3 has at the rate; see ``BIT_RATES``.

    Returns:
        ``(n,)`` float32, aligned with the input.

    Raises:
        ConfigurationError: No such bit rate at this sample rate.
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.
    """
    speech = one_channel(samples)
    rate = min((known for known in BIT_RATES if known >= sample_rate), default=48_000)
    if kilobits not in BIT_RATES[rate]:
        accepted = ", ".join(map(str, BIT_RATES[rate]))
        raise ConfigurationError(
            f"got {kilobits} kbit/s; MP3 at {rate} Hz has {accepted}: choose one of them"
        )
    scale = max(float(np.abs(speech).max()), 1.0)
    coded = _encode(converted(speech / scale, sample_rate, rate), rate, kilobits)
    heard = converted(coded, rate, sample_rate) * np.float32(scale)
    return np.pad(heard, (0, max(len(speech) - len(heard), 0)))[: len(speech)]


def _encode(samples: Samples, rate: int, kilobits: int) -> Samples:
    import soundfile

    lowest, highest = BIT_RATES[rate][0], BIT_RATES[rate][-1]
    stream = io.BytesIO()
    soundfile.write(
        stream,
        samples,
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=min((highest - kilobits) / (highest - lowest), 0.999),  # 1.0 is refused
    )
    stream.seek(0)
    decoded, _ = soundfile.read(stream, dtype="float32")
    delay = _DELAY if len(decoded) > len(samples) else 0
    aligned: Samples = decoded[delay : delay + len(samples)]
    return aligned
