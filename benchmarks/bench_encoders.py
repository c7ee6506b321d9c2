"""Speaker encoders of the attackers on one core, beside the packages that they come from.

    python -m benchmarks.bench_encoders --data FOLDER --json FILE

CPU time over audio time for embedding whole utterances, in turn, in one process. The peer of the
d-vector is resemblyzer's `VoiceEncoder`: same weights, same windows, silences shortened by WebRTC's
detector. ECAPA-TDNN is SpeechBrain's network itself; pitch and timing have no peer.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import RATE, arguments, cpu_seconds, finish, pin, speech, spread
from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.recording import Recording
from voxguard.models.ecapa import EcapaModel

CHANNELS = 128  # of the attacker in eval/libri-mini.yaml
Embed = Callable[[Any], Any]


def ours(name: str) -> Embed:
    """An encoder of the panel that needs no training, or is as good untrained for its speed."""
    encoder = create_encoder(name)
    return lambda signal: encoder.embed(Recording("u", "s", lambda: signal))


def ecapa() -> Embed:
    """ECAPA-TDNN as the panel has it, with random weights, which cost as much as trained ones."""
    model = EcapaModel(channels=CHANNELS)
    return lambda signal: model.embed(model.features(signal))


def resemblyzer() -> Embed:
    """The package that the d-vector's weights are from, with its own preprocessing."""
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)
    return lambda signal: encoder.embed_utterance(preprocess_wav(signal, RATE))


PAIRS = {
    "dvector": (lambda: ours("dvector"), "resemblyzer", resemblyzer),
    "ecapa": (ecapa, None, None),
    "prosody": (lambda: ours("prosody"), None, None),
}


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    pin()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    what, signals = speech(options.data, options.files)
    seconds = sum(len(signal) for signal in signals) / RATE
    print(f"{what}, {seconds:.0f} s; CPU time on one core, median of {options.repeats}")
    rows: dict[str, Any] = {}
    for name, (make, peer, make_peer) in PAIRS.items():
        works = {name: make()}
        if peer is not None and make_peer is not None and importlib.util.find_spec(peer):
            works[peer] = make_peer()
        times: dict[str, list[float]] = {key: [] for key in works}
        for repeat in range(options.repeats + 1):
            for key, embed in works.items():
                taken = cpu_seconds(lambda embed=embed: [embed(signal) for signal in signals])
                if repeat:  # the first loads and warms
                    times[key].append(taken)
        for key, values in times.items():
            rows[key] = {"rtf": spread([value / seconds for value in values])}
            print(f"{key:12s} {seconds / np.median(values):7.1f} x real time")
        if peer in times:
            shares = np.array(times[peer]) / np.array(times[name])
            rows[name][f"times {peer}"] = spread(shares.tolist())
            print(f"{'':12s} {np.median(shares):7.1f} x {peer}")
    finish({"data": what, "audio_seconds": seconds, "rows": rows}, options.json)


if __name__ == "__main__":
    main()
