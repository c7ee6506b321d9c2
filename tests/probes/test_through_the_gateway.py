"""A probe of a real model through ``voxguard serve``: raw voices do not reach the model."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

for module in ("transformers", "openai", "starlette", "uvicorn", "websockets", "httpx2"):
    pytest.importorskip(module)

import uvicorn  # noqa: E402
from tiny_audio_llm import save_audio_llm  # noqa: E402

from recipes.train_audio_llm.serve import make_app  # noqa: E402
from voxguard.audio import AudioWriter  # noqa: E402
from voxguard.audiollm import EndpointModel, TransformersModel  # noqa: E402
from voxguard.evaluation import Manifest, Utterance  # noqa: E402
from voxguard.gateway.app import create_app  # noqa: E402
from voxguard.gateway.settings import Settings  # noqa: E402
from voxguard.probes.attributes import probe_attributes  # noqa: E402

RATE = 16_000


class Running:
    """A server in a thread, for as long as the ``with`` lasts."""

    def __init__(self, app):
        self._server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="websockets-sansio")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        deadline = time.monotonic() + 90
        while not self._server.started:
            assert self._thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/v1"

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(20)


class Listening:
    """The model, and all that it was given to hear."""

    name = "small"

    def __init__(self, model):
        self._model, self.heard = model, []

    def __call__(self, samples, sample_rate, prompt):
        if samples is not None:
            self.heard.append(samples)
        return self._model(samples, sample_rate, prompt)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, make_voice):
    folder = tmp_path_factory.mktemp("clips")
    clips = []
    for i in range(4):
        with AudioWriter(folder / f"{i}.wav", RATE, 1) as file:
            file.write(make_voice(seconds=1.0, speaker=i)[None])
        clips.append(Utterance(f"u{i}", folder / f"{i}.wav", f"s{i}", labels={"sex": "FM"[i % 2]}))
    return Manifest("clips", tuple(clips))


def likeness(one, other):
    n = min(len(one), len(other))
    return abs(np.corrcoef(one[:n], other[:n])[0, 1])


def test_the_model_hears_anonymized_voices_only(manifest, make_voice, tmp_path):
    model = TransformersModel(save_audio_llm(tmp_path), device="cpu", max_new_tokens=4)
    listening = Listening(model)
    with Running(make_app(listening)) as upstream:
        settings = Settings(upstream=upstream.removesuffix("/v1"), method="mcadams",
                            recording_workers=1, live_workers=0)  # fmt: skip
        with Running(create_app(settings)) as gateway:
            how = {"forms": ["closed"], "conditions": ["raw", "no-audio"], "resamples": 10}
            direct = probe_attributes(EndpointModel(upstream, "small"), manifest, **how)
            raw = [make_voice(seconds=1.0, speaker=i) for i in range(4)]
            assert all(max(likeness(h, r) for h in listening.heard) > 0.99 for r in raw)
            listening.heard.clear()
            through = probe_attributes(EndpointModel(gateway, "small"), manifest, **how)
    assert direct.counts["error"] == through.counts["error"] == 0
    assert through.counts["asked"] == 8
    assert len(listening.heard) == 4
    assert max(likeness(h, r) for h in listening.heard for r in raw) < 0.9
