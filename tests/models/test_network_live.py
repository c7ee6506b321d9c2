"""The network code by code in numpy: what torch gives for the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import tiny_converter

from voxguard.errors import ConfigurationError
from voxguard.models.network_live import LiveNetwork, NetworkStream
from voxguard.models.shipped import pretrained, save

torch = pytest.importorskip("torch")

DEEP = {"encoder": (1, 2, 4, 1), "decoder": (2, 1, 4), "width": 48, "codebooks": (8, 4, 4, 4)}


@pytest.fixture(scope="module", params=[{}, DEEP], ids=["small", "deep"])
def both(request, tmp_path_factory):
    """The same network in torch and in numpy."""
    path = tmp_path_factory.mktemp("live") / "w.safetensors"
    tiny_converter.save_converter(path, causal=True, **request.param)
    network = tiny_converter.make_network(causal=True, **request.param)
    return network, LiveNetwork(pretrained(path, ""))


def _signals(frames=80, scale=1.0):
    rng = np.random.default_rng(2)
    mel, pitch = rng.standard_normal((frames, 80)), rng.standard_normal((frames, 3))
    vector = rng.standard_normal(256)
    arrays = scale * mel, pitch, vector / np.linalg.norm(vector)
    return [x.astype(np.float32) for x in arrays]


def _live(network, mel, pitch, vector, levels):
    stream = NetworkStream(network, vector, levels)
    return np.concatenate(
        [stream.push(mel[k : k + 2], pitch[k : k + 2]) for k in range(0, len(mel), 2)]
    )


@pytest.mark.parametrize("levels", [1, 2, 3, 4, None])
def test_it_is_what_torch_gives(both, levels):
    network, live = both
    mel, pitch, vector = _signals()
    with torch.inference_mode():
        whole, _ = network(
            torch.from_numpy(mel.T[None].copy()),
            torch.from_numpy(pitch.T[None].copy()),
            torch.from_numpy(vector[None]),
            levels,
        )
    assert np.abs(_live(live, mel, pitch, vector, levels) - whole[0].numpy().T).max() < 1e-5


@pytest.mark.parametrize("sizes", [(20,), (1, 19), (3, 1, 5, 11)])
def test_many_codes_at_once_are_what_each_by_itself_is(both, sizes):
    mel, pitch, vector = _signals(40)
    stream = NetworkStream(both[1], vector, 3)
    edges = 2 * np.cumsum([0, *sizes])
    parts = [stream.push(mel[a:b], pitch[a:b]) for a, b in pairwise(edges)]
    assert np.abs(np.concatenate(parts) - _live(both[1], mel, pitch, vector, 3)).max() < 1e-5


def test_it_gives_single_precision(both):
    assert _live(both[1], *_signals(4), 2).dtype == np.float32


def test_streams_of_one_network_do_not_disturb_each_other(both):
    live, (mel, pitch, vector) = both[1], _signals()
    expected = _live(live, mel, pitch, vector, 3)
    one, other = NetworkStream(live, vector, 3), NetworkStream(live, -vector, 3)
    parts = []
    for k in range(0, len(mel), 2):
        parts.append(one.push(mel[k : k + 2], pitch[k : k + 2]))
        other.push(-mel[k : k + 2], pitch[k : k + 2])
    assert np.array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e4])
def test_any_input_is_answered_without_overflow(both, scale):
    assert np.isfinite(_live(both[1], *_signals(scale=scale), 1)).all()


class TestForeignWeights:
    def _refused(self, tmp_path, match, *, metadata=None, change=None, causal=True):
        path = tiny_converter.save_converter(tmp_path / "w", causal=causal, metadata=metadata)
        weights = pretrained(path, "")
        if change is not None:
            change(weights.arrays)
        with pytest.raises(ConfigurationError, match=match):
            LiveNetwork(weights)

    def test_those_that_hear_what_comes_later(self, tmp_path):
        self._refused(tmp_path, "come", causal=False)

    @pytest.mark.parametrize(
        "metadata",
        [
            {},
            {"shape": {}},
            {"shape": [1]},
            {"shape": None, "population": None},
            {"shape": {"causal": True, "encoder": ["1"], "decoder": [1], "codebooks": [8]}},
        ],
        ids=str,
    )
    def test_those_that_say_nothing_of_themselves(self, tmp_path, metadata):
        self._refused(tmp_path, "not weights of voxguard's converter", metadata=metadata)

    @pytest.mark.parametrize(
        "population",
        [{}, {"level": [0]}, {"level": [0], "mean": [0] * 79, "spread": [1] * 80}],
        ids=["none", "level", "79 bands"],
    )
    def test_those_without_a_population(self, tmp_path, population):
        shape = tiny_converter.make_network(causal=True).shape.as_dict()
        metadata = {"shape": shape, "population": population}
        self._refused(tmp_path, "not weights", metadata=metadata)

    @pytest.mark.parametrize(
        "name", ["encoder.enter.weight", "quantizer.codebook2", "decoder.film.bias"]
    )
    def test_those_that_lack_something(self, tmp_path, name):
        self._refused(tmp_path, "not weights", change=lambda arrays: arrays.pop(name))

    @pytest.mark.parametrize(
        "name",
        [
            "encoder.enter.weight",
            "encoder.blocks.1.taps.weight",
            "decoder.blocks.0.mix.weight",
            "decoder.leave.bias",
            "decoder.speaker.weight",
            "decoder.level.weight",
            "quantizer.codebook0",
        ],
    )
    def test_those_of_another_size(self, tmp_path, name):
        def cut(arrays):
            arrays[name] = arrays[name][..., :-1]

        self._refused(tmp_path, "not weights", change=cut)

    def test_those_that_have_more(self, tmp_path):
        def add(arrays):
            arrays["encoder.blocks.2.scale"] = np.ones(32, np.float32)

        self._refused(tmp_path, "not weights", change=add)

    def test_any_other_file(self, tmp_path):
        save(tmp_path / "w", {"vectors": np.ones((2, 2), np.float32)}, {})
        with pytest.raises(ConfigurationError, match="not weights"):
            LiveNetwork(pretrained(tmp_path / "w", ""))

    def test_more_levels_than_there_are(self, tmp_path):
        path = tiny_converter.save_converter(tmp_path / "w", causal=True, codebooks=(8, 8))
        network = LiveNetwork(pretrained(path, ""))
        with pytest.raises(ConfigurationError, match="2 levels, got levels=3"):
            NetworkStream(network, np.zeros(256, np.float32), 3)
