"""Segments against a plain Ward clustering of neighbours, and what they are to keep."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from voxguard.models.segments import segmented, segments


def slowly(content, wanted):
    """Merge the two neighbours that this changes least, over and over."""
    parts = [row[None].astype(np.float64) for row in content]

    def off(x):
        return np.square(x - x.mean(axis=0)).sum()

    while len(parts) > wanted:
        pairs = list(itertools.pairwise(parts))
        costs = [off(np.concatenate(pair)) - off(pair[0]) - off(pair[1]) for pair in pairs]
        k = int(np.argmin(costs))
        parts[k : k + 2] = [np.concatenate(pairs[k])]
    return np.concatenate([np.full(len(part), k) for k, part in enumerate(parts)])


@pytest.mark.parametrize("per_second", [5.0, 12.5, 30.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_neighbours_that_are_most_alike_are_merged(seed, per_second):
    rng = np.random.default_rng(seed)
    content = np.cumsum(rng.standard_normal((60, 3)), axis=0).astype(np.float32)
    wanted = round(60 * per_second / 50)
    found = segments(content, per_second)
    assert found.max() + 1 == wanted
    assert np.array_equal(found, slowly(content, wanted))


def test_each_segment_is_its_mean():
    content = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    made, owner = segmented(content, 15.0), segments(content, 15.0)
    assert made.dtype == np.float32
    for k in range(owner.max() + 1):
        assert np.allclose(made[owner == k], content[owner == k].mean(axis=0), atol=1e-6)
    assert np.allclose(made.mean(axis=0), content.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("per_second", [50.0, 80.0])
def test_as_many_segments_as_codes_change_nothing(per_second):
    content = np.random.default_rng(0).standard_normal((31, 4)).astype(np.float32)
    assert np.array_equal(segmented(content, per_second), content)


@pytest.mark.parametrize("codes", [1, 2, 3])
def test_short_content_is_one_segment_or_more(codes):
    content = np.arange(codes, dtype=np.float32)[:, None]
    assert np.allclose(segmented(content, 5.0), content.mean())
    assert segments(content, 49.0).max() + 1 == max(1, round(codes * 0.98))


def test_codes_that_do_not_differ():
    content = np.zeros((40, 4), np.float32)
    assert segments(content, 10.0).max() + 1 == 8
    assert not segmented(content, 10.0).any()


def test_gradients_go_to_all_codes_of_a_segment():
    torch = pytest.importorskip("torch")
    from recipes.train_voice_conversion.segmenting import averaged

    rng = np.random.default_rng(0)
    plain = rng.standard_normal((2, 40, 8)).astype(np.float32)
    content = torch.from_numpy(plain.transpose(0, 2, 1).copy()).requires_grad_()
    made = averaged(content, torch.tensor([15.0, 50.0]))
    assert np.allclose(made[0].detach().numpy().T, segmented(plain[0], 15.0), atol=1e-6)
    assert torch.equal(made[1], content[1])
    made[0, 0, 7].backward()
    owner = segments(plain[0], 15.0)
    expected = (owner == owner[7]) / np.count_nonzero(owner == owner[7])
    assert np.allclose(content.grad[0, 0].numpy(), expected)
    assert not content.grad[0, 1:].any()
