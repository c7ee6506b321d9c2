"""Loss, schedules and precision of trainings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voxguard.errors import ConfigurationError, MissingExtraError
from voxguard.models import precision
from voxguard.models.margin import margin_loss
from voxguard.models.optional import optional
from voxguard.models.precision import autocast, check_precision
from voxguard.models.schedule import triangular, warmup_cosine

torch = pytest.importorskip("torch")


def cross_entropy(logits, label):
    return -(logits[label] - math.log(sum(math.exp(one) for one in logits)))


@pytest.mark.parametrize("angular", [False, True])
def test_the_loss_is_softmax_over_cosines_with_a_margin(angular):
    vector, weights = torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    loss, cosines = margin_loss(
        vector, weights, torch.tensor([1]), margin=0.3, scale=7.0, angular=angular
    )
    np.testing.assert_allclose(cosines, [[0.6, 0.8]], atol=1e-6)
    own = math.cos(math.acos(0.8) + 0.3) if angular else 0.8 - 0.3
    assert loss.item() == pytest.approx(cross_entropy([7 * 0.6, 7 * own], 1), abs=1e-5)


def test_a_margin_makes_it_harder():
    rng = torch.Generator().manual_seed(0)
    vectors = torch.randn(20, 5, generator=rng)
    weights, labels = torch.randn(4, 5, generator=rng), torch.arange(20) % 4
    for angular in (False, True):
        values = [
            margin_loss(vectors, weights, labels, margin=m, angular=angular)[0] for m in (0, 0.2)
        ]
        assert values[0] < values[1]


def test_the_angular_loss_is_speechbrains():
    losses = pytest.importorskip("speechbrain.nnet.losses")
    rng = torch.Generator().manual_seed(0)
    vectors = torch.randn(50, 6, generator=rng)
    weights, labels = torch.randn(9, 6, generator=rng), torch.arange(50) % 9
    ours, cosines = margin_loss(vectors, weights, labels, margin=0.2, scale=30.0, angular=True)
    theirs = losses.LogSoftmaxWrapper(losses.AdditiveAngularMargin(margin=0.2, scale=30))
    assert ours.item() == pytest.approx(theirs(cosines[:, None], labels[:, None]).item(), rel=1e-4)


def test_gradients_are_finite_where_a_vector_lies_on_its_direction():
    vectors = torch.eye(3).requires_grad_()
    loss, _ = margin_loss(vectors, torch.eye(3), torch.tensor([0, 1, 0]), angular=True)
    loss.backward()
    assert torch.isfinite(vectors.grad).all()


def test_warm_up_and_cosine():
    rates = [warmup_cosine(step, 1000, warmup=0.1) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == 1.0
    assert np.argmax(rates) in (99, 100)
    assert (np.diff(rates[:100]) > 0).all()
    assert (np.diff(rates[100:]) <= 0).all()
    assert rates[-1] < 1e-4
    assert 0 < warmup_cosine(0, 1) <= 1


def test_the_cycle_of_the_challenge_never_gets_near_its_rate():
    """Its 3 660 steps end on the way up, at a twentieth of the rate that it names."""
    last = triangular(3659, 65_000, low=1e-8, high=0.01)
    assert last == pytest.approx(5.6e-4, rel=0.01)
    assert triangular(65_000, 65_000, low=1e-8, high=0.01) == pytest.approx(0.01)
    assert triangular(130_000, 65_000, low=1e-8, high=0.01) == pytest.approx(1e-8)


def test_precision():
    with autocast("cpu", "float32"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert check_precision("auto") == "auto"
    with pytest.raises(ConfigurationError, match="takes one of auto, float32, bfloat16"):
        check_precision("half")


@pytest.mark.parametrize("wins", [False, True])
def test_half_precision_is_taken_where_it_is_faster(wins, monkeypatch):
    """Some processors have the instruction and are slower by it."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(precision, "_half_wins", lambda: wins)
    with autocast("cpu"):
        found = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    assert found == (torch.bfloat16 if wins else torch.float32)


def test_a_broken_installation_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("raise OSError('libcuda.so is missing')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"cannot be imported \(OSError: libcuda") as error:
        optional("broken_package", "train", "a test")
    assert not isinstance(error.value, MissingExtraError)
    with pytest.raises(MissingExtraError, match=r'pip install "voxguard\[train\]"'):
        optional("absent_package.part", "train", "a test")
