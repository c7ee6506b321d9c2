"""G.711, against the tables of the recommendation."""

import numpy as np
import pytest

from voxguard.audio.g711 import decode_g711, encode_g711

EVERY = bytes(range(256))


@pytest.mark.parametrize(
    ("law", "byte", "linear"),
    [
        ("ULAW", 0x00, -32124),
        ("ULAW", 0x80, 32124),
        ("ULAW", 0xFF, 0),
        ("ULAW", 0xEF, 132),
        ("ALAW", 0xD5, 8),
        ("ALAW", 0x55, -8),
        ("ALAW", 0xAA, 32256),
        ("ALAW", 0x2A, -32256),
    ],
)
def test_known_values(law, byte, linear):
    assert decode_g711(bytes([byte]), law)[0, 0] * 32768 == linear


@pytest.mark.parametrize("law", ["ULAW", "ALAW"])
def test_every_byte_comes_back(law):
    samples = decode_g711(EVERY, law)
    assert samples.shape == (1, 256)
    again = decode_g711(encode_g711(samples, law), law)
    assert np.array_equal(again, samples)  # mu-law has two zeros


@pytest.mark.parametrize("law", ["ULAW", "ALAW"])
def test_loud_samples_are_clipped(law):
    out = decode_g711(encode_g711(np.array([[9.0, -9.0]], np.float32), law), law)
    assert out[0, 0] > 0.97
    assert out[0, 1] < -0.97


@pytest.mark.parametrize("law", ["ULAW", "ALAW"])
def test_nothing(law):
    assert decode_g711(b"", law).shape == (1, 0)
    assert encode_g711(np.zeros((1, 0), np.float32), law) == b""
