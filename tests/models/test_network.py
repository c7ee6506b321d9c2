"""The network: shapes, what it hears, and that its levels mean something."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import tiny_converter

torch = pytest.importorskip("torch")

from voxguard.models.network import (  # noqa: E402
    Block,
    Encoder,
    NetworkShape,
    folded,
    nearest,
    unfolded,
    unit_power,
)


def _inputs(frames=60, batch=1, seed=0):
    rng = np.random.default_rng(seed)
    speaker = rng.standard_normal((batch, 256))
    speaker /= np.linalg.norm(speaker, axis=1, keepdims=True)
    arrays = rng.standard_normal((batch, 80, frames)), rng.standard_normal((batch, 3, frames))
    return [torch.from_numpy(x.astype(np.float32)) for x in (*arrays, speaker)]


@pytest.mark.parametrize("levels", [1, 2, 3, 4, None])
def test_frames_in_frames_out(levels):
    network = tiny_converter.make_network()
    decoded, content = network(*_inputs(), levels)
    assert decoded.shape == (1, 81, 60)
    assert content.shape == (1, 32, 30)
    assert torch.isfinite(decoded).all()


def test_each_level_is_decoded_as_such():
    network = tiny_converter.make_network()
    outs = [network(*_inputs(), levels)[0] for levels in (1, 2, 3, 4, None)]
    assert all((a - b).abs().max() > 1e-3 for a, b in pairwise(outs))


def test_each_level_comes_nearer_to_the_content():
    network = tiny_converter.make_network(codebooks=(64, 64, 64, 64))
    content = network.encoder(_inputs()[0])
    with torch.no_grad():  # entries that are there: frames, and what they leave
        rest = content[0].T
        for level in range(4):
            network.quantizer.codebook(level)[:30].copy_(rest * 0.9)
            rest = (
                rest
                - network.quantizer.codebook(level)[
                    nearest(rest, network.quantizer.codebook(level))
                ]
            )
    errors = [(network.quantizer(content, k)[0] - content).square().mean() for k in range(5)]
    assert all(b < 0.1 * a for a, b in pairwise(errors))


def test_quantised_content_is_a_sum_of_entries():
    network = tiny_converter.make_network()
    total, codes = network.quantizer(network.encoder(_inputs()[0]), 3)
    books = [network.quantizer.codebook(k) for k in range(3)]
    expected = sum(book[code] for book, code in zip(books, codes, strict=True))
    assert torch.equal(total, expected.transpose(1, 2))


@pytest.mark.parametrize("levels", [1, None])
def test_the_voice_and_the_pitch_are_heard(levels):
    network = tiny_converter.make_network()
    mel, pitch, speaker = _inputs()
    out = network(mel, pitch, speaker, levels)[0]
    assert (network(mel, pitch, -speaker, levels)[0] - out).abs().max() > 1e-3
    assert (network(mel, -pitch, speaker, levels)[0] - out).abs().max() > 1e-3


@pytest.mark.parametrize("dilations", [(1, 2), (1, 2, 4, 1, 2, 4, 1)])
@pytest.mark.parametrize("causal", [False, True])
def test_how_far_it_hears(causal, dilations):
    """What :attr:`Converter.context` rests on."""
    network = tiny_converter.make_network(causal=causal, encoder=dilations, decoder=dilations)
    network.double()  # the farthest frames are heard very faintly
    mel, pitch, speaker = (x.double() for x in _inputs(400))
    out = network(mel, pitch, speaker, None)[0]
    mel[:, :, 200] += 1.0
    changed = (network(mel, pitch, speaker, None)[0] - out).abs().amax(dim=1)[0].numpy() > 0
    first, last = np.flatnonzero(changed)[[0, -1]]
    reach = 2 * (2 + 2 * sum(dilations))
    assert first == (200 if causal else 200 - reach)
    assert last == 201 + reach * (2 if causal else 1)


def test_a_batch_is_as_each_alone():
    network = tiny_converter.make_network()
    inputs = _inputs(batch=3)
    together = network(*inputs, 2)[0]
    for k in range(3):
        alone = network(*(x[k : k + 1] for x in inputs), 2)[0]
        assert torch.allclose(together[k], alone[0], atol=1e-5)


def test_the_level_of_what_it_hears_is_the_encoders_alone():
    shape = NetworkShape(**tiny_converter.SHAPE)
    content = Encoder(shape)(_inputs()[0])
    assert torch.allclose(content.square().mean(1), torch.ones(1, 30), atol=1e-3)


@pytest.mark.parametrize("causal", [False, True])
def test_a_block_keeps_the_number_of_frames(causal):
    assert Block(8, 4, causal=causal)(torch.randn(2, 8, 11)).shape == (2, 8, 11)


def test_folding_is_undone():
    frames = torch.arange(24.0).reshape(1, 3, 8)
    assert torch.equal(unfolded(folded(frames)), frames)
    assert folded(frames)[0, :, 0].tolist() == [0.0, 8.0, 16.0, 1.0, 9.0, 17.0]


def test_the_nearest_is_the_nearest():
    vectors, book = torch.randn(50, 7), torch.randn(20, 7)
    expected = torch.cdist(vectors, book).argmin(1)
    assert torch.equal(nearest(vectors, book), expected)


def test_silence_has_no_power_to_bring_to_one():
    assert not unit_power(torch.zeros(1, 4, 3)).any()
