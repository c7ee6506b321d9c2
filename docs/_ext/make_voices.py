"""Makes the examples that the methods' pages play: ``python make_voices.py FOLDER METHOD ...``.

In FOLDER, for each method, two recordings and their spectrograms; on stdout, as JSON, what is to
be said of each, or why it could not be made. It is a process of its own, since Sphinx replaces
torch by a mock while it reads docstrings.
"""

import base64
import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import voxguard
from voxguard.audio import AudioWriter
from voxguard.demo.analysis import analyze
from voxguard.errors import MissingExtraError

RATE = 16_000
SECONDS = 4.0
SEED = 1  # nobody's voice, so that nobody is harmed, and every build makes the same page

# Lightness goes one way only, so that more energy never looks like less; as on the demo page.
PALETTES = {
    "light": ["ffffff", "d7e6f0", "9fc3dc", "5d93bd", "2d5f93", "0f2747"],
    "dark": ["14171b", "1b3350", "275a80", "3f8fa8", "8cc7b8", "f6f1cf"],
}


def make(method: str) -> voxguard.Anonymizer:
    """The method with its defaults."""
    if method == "compose":
        parts = [voxguard.VoiceConversion(), voxguard.McAdams(coefficient=(0.8, 0.9))]
        return voxguard.Compose(parts, seed=SEED)
    return voxguard.create(method, seed=SEED)


def example(method: str, folder: Path) -> dict[str, Any]:
    """Write the files of one method."""
    before = voxguard.synthetic_voice(seconds=SECONDS, sample_rate=RATE)
    try:
        after = make(method)(before, RATE)
    except MissingExtraError as missing:
        return {"missing": str(missing)}
    about = analyze(before[None], after[None], RATE)
    pictures = about["spectrogram"]
    for when, samples in (("before", before), ("after", after)):
        with AudioWriter(folder / f"{method}-{when}.wav", RATE, 1, overwrite=True) as file:
            file.write(samples[None])
        shades = np.frombuffer(base64.b64decode(pictures[when]), np.uint8)
        image = shades.reshape(pictures["rows"], pictures["columns"])[::-1]
        for theme, palette in PALETTES.items():
            (folder / f"{method}-{when}-{theme}.png").write_bytes(png(image, palette))
    return {
        "seconds": about["seconds"],
        "top_khz": pictures["top_hz"] // 1000,
        "pitch": [about["pitch"]["before_median_hz"], about["pitch"]["after_median_hz"]],
        "correlation": about["pitch"]["correlation"],
    }


def png(image: npt.NDArray[np.uint8], palette: list[str]) -> bytes:
    """An image of 256 shades between the colours of a palette."""
    stops = np.array([list(bytes.fromhex(colour)) for colour in palette])
    places = np.linspace(0, len(stops) - 1, 256)
    shades = [np.interp(places, range(len(stops)), stops[:, channel]) for channel in range(3)]
    rows, columns = image.shape
    lines = np.pad(image, ((0, 0), (1, 0))).tobytes()  # each begins with its filter: none
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            (b"PLTE", np.rint(np.stack(shades, axis=1)).astype(np.uint8).tobytes()),
            (b"IDAT", zlib.compress(lines, 9)),
            (b"IEND", b""),
        )
    )


if __name__ == "__main__":
    where = Path(sys.argv[1])
    json.dump({method: example(method, where) for method in sys.argv[2:]}, sys.stdout)
