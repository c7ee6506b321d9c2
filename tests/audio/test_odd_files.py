"""What becomes of each of the exotic and malformed files beside the project (see DESIGN.md, 8)."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import numpy as np
import pytest

from voxguard.audio import AudioReader, read
from voxguard.errors import (
    AudioError,
    CorruptAudioError,
    NonFiniteAudioError,
    UnsupportedAudioError,
)

DATA = Path(os.environ.get("VOXGUARD_DATA", Path(__file__).parents[3] / "shared")) / "odd"
SECONDS = 5.0  # each takes under 0.1 s; the limit is against hangs

UNICODE_NAME = "generated/speech_name_ünïcode с пробелом.wav"  # noqa: RUF001

CORRUPT = CorruptAudioError
UNSUPPORTED = UnsupportedAudioError
NON_FINITE = NonFiniteAudioError

# Rate (Hz), channels, frames and RMS, or the error. The values were held against ffmpeg, scipy and
# the checksums inside the FLAC files.
EXPECTED: dict[str, tuple[int, int, int, float] | type[AudioError]] = {
    "scipy/test-44100Hz-2ch-32bit-float-be.wav": (44100, 2, 441, 0.5703),
    "scipy/test-44100Hz-2ch-32bit-float-le.wav": (44100, 2, 441, 0.5703),
    "scipy/test-44100Hz-be-1ch-4bytes.wav": (44100, 1, 4410, 0.4985),
    "scipy/test-44100Hz-le-1ch-4bytes-early-eof-no-data.wav": CORRUPT,
    "scipy/test-44100Hz-le-1ch-4bytes-incomplete-chunk.wav": CORRUPT,
    "scipy/test-8000Hz-le-1ch-1byte-ulaw.wav": (8000, 1, 9, 0.5956),
    "scipy/test-8000Hz-le-3ch-5S-24bit-inconsistent.wav": CORRUPT,
    "scipy/test-8000Hz-le-3ch-5S-36bit.wav": UNSUPPORTED,
    "scipy/test-8000Hz-le-3ch-5S-53bit.wav": UNSUPPORTED,
    "scipy/test-8000Hz-le-3ch-5S-64bit.wav": UNSUPPORTED,
    "scipy/test-8000Hz-le-5ch-9S-5bit.wav": (8000, 5, 9, 0.583),
    "hound/crash-cbd757427cea12bd8a21f86cd8cf74d98ce56bee.wav": CORRUPT,
    "hound/crash-e5471f5b58397287b509db7d026e95f1724454f5.wav": CORRUPT,
    "hound/nonstandard-02.wav": (48000, 2, 2, 0.5001),
    "hound/pcmwaveformat-16bit-44100Hz-mono.wav": (44100, 1, 4, 0.0001423),
    "hound/pcmwaveformat-8bit-44100Hz-mono.wav": (44100, 1, 4, 0.6445),
    "hound/pop.wav": (44100, 1, 100, 0.7079),
    "hound/waveformatex-16bit-44100Hz-mono.wav": (44100, 1, 4, 0.0001423),
    "hound/waveformatex-8bit-11025Hz-mono.wav": (11025, 1, 4, 1),
    "hound/waveformatex-ieeefloat-44100Hz-mono.wav": (44100, 1, 4, 8221),
    "hound/waveformatextensible-24bit-192kHz-mono.wav": (192000, 1, 4, 0.6717),
    "hound/waveformatextensible-ieeefloat-44100Hz-mono.wav": (44100, 1, 4, 8221),
    "tinytag/empty_file.mp3": CORRUPT,
    "tinytag/106-invalid-streaminfo.flac": CORRUPT,
    "tinytag/106-short-picture-block-size.flac": CORRUPT,
    "tinytag/no_audio_data_compressed.wav": CORRUPT,
    "tinytag/adpcm.wav": (44100, 1, 535004, 1.748e-05),
    "tinytag/corrupt_metadata.ogg": (44100, 1, 94037, 0.2608),
    "tinytag/data_after_eos.ogg": (44100, 2, 162496, 0),
    "flac/faulty_01_-_wrong_max_blocksize.flac": (24000, 1, 101999, 0.1078),
    "flac/faulty_02_-_wrong_maximum_framesize.flac": (44100, 1, 195891, 0.1266),
    "flac/faulty_03_-_wrong_bit_depth.flac": (24000, 1, 89903, 0.1196),
    "flac/faulty_06_-_missing_streaminfo_metadata_block.flac": CORRUPT,
    "flac/faulty_07_-_other_metadata_blocks_preceding_streaminfo_metadata_block.flac": (
        24000,
        1,
        106031,
        0.1244,
    ),
    "flac/faulty_08_-_blocksize_65536.flac": CORRUPT,
    "flac/faulty_09_-_blocksize_1.flac": (24000, 1, 41519, 0.09429),
    "flac/faulty_11_-_incorrect_metadata_block_length.flac": CORRUPT,
    "flac/subset_20_-_samplerate_39kHz.flac": (39000, 2, 193198, 0.08759),
    "flac/subset_23_-_8_bit_per_sample.flac": (44100, 2, 339973, 0.05787),
    "flac/subset_39_-_4_channels_(4.0).flac": (44100, 4, 253762, 0.0184),
    "flac/subset_40_-_5_channels_(5.0).flac": (44100, 5, 251076, 0.0183),
    "flac/subset_41_-_6_channels_(5.1).flac": (44100, 6, 357223, 0.01721),
    "flac/subset_42_-_7_channels_(6.1).flac": (44100, 7, 405749, 0.01639),
    "flac/subset_43_-_8_channels_(7.1).flac": (44100, 8, 438530, 0.01548),
    "flac/subset_47_-_only_STREAMINFO.flac": (48000, 2, 232608, 0.04406),
    "flac/uncommon_01_-_changing_samplerate.flac": UNSUPPORTED,
    "flac/uncommon_08_-_blocksize_65535.flac": (44100, 2, 465905, 0.1325),
    "pydub/test-dc_offset.wav": (22050, 2, 220500, 0.1926),
    "pydub/creative_common.mp4": (48000, 2, 108544, 0.04787),
    "pydub/test5.webm": (48000, 2, 71040, 0.08723),
    "speech_recognition/audio-mono-24-bit-44100Hz.wav": (44100, 1, 121052, 0.06631),
    "speech_recognition/audio-mono-32-bit-44100Hz.wav": (44100, 1, 121052, 0.06631),
    "speech_recognition/audio-stereo-24-bit-44100Hz.flac": (44100, 2, 121052, 0.06631),
    "wavefile/27bit-8kHz-noBext-mono.wav": (8000, 1, 48000, 0.07769),
    "wavefile/4bit-imaadpcm-8kHz-noBext-mono.wav": (8000, 1, 53025, 0.2889),
    "wavefile/64bit-48kHz-noBext-mono-overflow.wav": (48000, 1, 61714, 0.08788),
    "wavefile/8bit-mulaw-8kHz-noBext-mono-encoded.wav": (8000, 1, 48000, 0.07775),
    "wavefile/8bit-16kHz-bext-mono.wav": (16000, 1, 219429, 0.08307),
    "wavefile/Audacity-16bit.wav": (8000, 2, 31493, 0.04482),
    "wavefile/RF64-16bit-8kHz-stereo-reaper.wav": (8000, 2, 77499, 0.2407),
    "wavefile/RIFX-16bit-mono.wav": (8000, 1, 48000, 0.07769),
    "go-audio/padded24b.wav": (44100, 1, 3713, 0.08685),
    "go-audio/listChunkInHeader.wav": (44100, 2, 15318, 0.1757),
    "go-audio/bwf.wav": (44100, 1, 7287, 0.3494),
    "go-audio/8bit.wav": (44100, 1, 88200, 0.3488),
    "pocketsphinx/evil.wav": CORRUPT,
    "pocketsphinx/null.wav": CORRUPT,
    "pocketsphinx/goforward.raw": UNSUPPORTED,
    "minimp3/fuzz.sh": UNSUPPORTED,
    "minimp3/fuzz_libfuzzer.sh": UNSUPPORTED,
    "minimp3/ILL2_center2.bit": CORRUPT,
    "minimp3/ILL2_dual.bit": CORRUPT,
    "minimp3/ILL2_dynx22.bit": CORRUPT,
    "minimp3/ILL2_mono.bit": CORRUPT,
    "minimp3/ILL2_multilingual.bit": CORRUPT,
    "minimp3/ILL2_prediction.bit": CORRUPT,
    "minimp3/ILL2_samples.bit": CORRUPT,
    "minimp3/ILL2_tca30_PC.bit": CORRUPT,
    "minimp3/ILL2_tca31_mtx0.bit": CORRUPT,
    "minimp3/ILL2_tca31_mtx2.bit": CORRUPT,
    "minimp3/ILL2_tca32_PC.bit": CORRUPT,
    "minimp3/ILL4_wrong_length2.bit": CORRUPT,
    "minimp3/l2-nonstandard-free_format.bit": UNSUPPORTED,
    "minimp3/l3-nonstandard-apetag.bit": CORRUPT,
    "minimp3/l3-nonstandard-compl-sideinfo-bigvalues.bit": CORRUPT,
    "minimp3/l3-nonstandard-compl-sideinfo-blocktype.bit": CORRUPT,
    "minimp3/l3-nonstandard-sideinfo-size.bit": UNSUPPORTED,
    "minimp3/l3-nonstandard-small.bit": UNSUPPORTED,
    "minimp3/l3-nonstandard-vbrtag-corrupted.bit": CORRUPT,
    "minimp3/l3-nonstandard-vbrtag-empty.bit": CORRUPT,
    "minimp3/l3-nonstandard-vbrtag-noframes.bit": CORRUPT,
    "audiomentations/almost_silent.wav": (48000, 1, 29976, 5.847e-07),
    "audiomentations/digital_silence.wav": (48000, 1, 29976, 0),
    "audiomentations/silence.wav": (48000, 1, 38750, 6.204e-05),
    "audiomentations/ms_adpcm.wav": UNSUPPORTED,
    "audiomentations/mono_float64.wav": (44100, 1, 22, 0.6849),
    "audiomentations/mono_int24.wav": (44100, 1, 22, 0.6849),
    "audiomentations/signed_24bit.wav": (48000, 1, 54514, 0.01913),
    "azure/whatstheweatherlike-mulaw.wav": (16000, 1, 32480, 0.08241),
    "silero-vad/test.opus": (16000, 1, 129024, 0.01965),
    "soundfile/mono.wav": (44100, 1, 5, 4.316e-05),
    "soundfile/mono.raw": UNSUPPORTED,
    "soundfile/stereo.wav": (44100, 2, 4, 1.046),
    "lhotse/stereo.mp3": (8000, 2, 8000, 0.4829),
    "lhotse/mono_c0.opus": (8000, 1, 4043, 0.01179),
    "generated/speech_nan.wav": NON_FINITE,
    "generated/speech_clipped.wav": (16000, 1, 64000, 0.718),
    "generated/speech_minus80dB.wav": (16000, 1, 64000, 2.71e-05),
    "generated/speech_dc_0.5.wav": (16000, 1, 64000, 0.501),
    "generated/ten_ms.wav": (16000, 1, 160, 0.002703),
    "generated/silence_3s.wav": (16000, 1, 48000, 0),
    "generated/white_noise_3s.wav": (16000, 1, 48000, 0.1001),
    "generated/speech_8ch.wav": (16000, 8, 64000, 0.078),
    "generated/speech_4000hz.wav": (4000, 1, 16000, 0.07645),
    "generated/speech_8000hz.wav": (8000, 1, 32000, 0.07681),
    "generated/speech_11025hz.wav": (11025, 1, 44100, 0.0771),
    "generated/speech_22050hz.wav": (22050, 1, 88200, 0.07789),
    "generated/speech_192000hz.wav": (192000, 1, 768000, 0.07789),
    "generated/speech_truncated.flac": CORRUPT,
    "generated/speech_truncated.mp3": CORRUPT,
    "generated/speech_flac_named.wav": (16000, 1, 64000, 0.078),
    "generated/lfs_pointer.wav": UNSUPPORTED,
    "generated/random_bytes.wav": UNSUPPORTED,
    "generated/rate_zero.wav": CORRUPT,
    "generated/huge_data_size.wav": (16000, 1, 64000, 0.078),
    UNICODE_NAME: (16000, 1, 64000, 0.078),
}

pytestmark = pytest.mark.skipif(
    not (DATA / "INDEX.csv").is_file(),
    reason=f"no odd audio files in {DATA}; set VOXGUARD_DATA to the data folder",
)


def test_every_indexed_file_has_an_expectation() -> None:
    with (DATA / "INDEX.csv").open(encoding="utf-8", newline="") as index:
        assert {row["path"] for row in csv.DictReader(index)} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_odd_file(name: str) -> None:
    expected = EXPECTED[name]
    path = DATA / name
    started = time.perf_counter()
    if isinstance(expected, tuple):
        samples, rate = read(path)
        assert (rate, *samples.shape) == expected[:3]
        assert samples.dtype == np.float32
        assert np.isfinite(samples).all()
        rms = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
        assert rms == pytest.approx(expected[3], rel=2e-3, abs=1e-7)
    else:
        with pytest.raises(AudioError) as caught:
            read(path)
        assert type(caught.value) is expected
        assert str(caught.value).startswith(f"{path.name}: ")
        assert str(DATA) not in str(caught.value)
    assert time.perf_counter() - started < SECONDS


def test_flac_under_a_wav_name_is_read_as_what_it_is() -> None:
    with AudioReader(DATA / "generated" / "speech_flac_named.wav") as reader:
        assert (reader.format, reader.subtype, reader.frames) == ("FLAC", "PCM_16", 64_000)


def test_unknown_length_loses_nothing() -> None:
    """`huge_data_size.wav` is another file with only its data length overwritten."""
    whole, _ = read(DATA / UNICODE_NAME)
    streamed, _ = read(DATA / "generated" / "huge_data_size.wav")
    np.testing.assert_array_equal(streamed, whole)
