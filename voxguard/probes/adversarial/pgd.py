"""Projected gradient descent on a waveform, also against an anonymizer in front of the model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio import resample
from voxguard.audiollm import TransformersModel
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.models.optional import optional
from voxguard.probes.adversarial.clip import AdversarialClip
from voxguard.probes.adversarial.loss import AnswerLoss, log_mel_of
from voxguard.probes.data import Anonymize

if TYPE_CHECKING:
    import torch

_REACH = 2.5  # what all steps together could go, in epsilons (Madry et al.)
_MOMENTUM = 0.75
_LEAST = 1e-20


def attack(
    model: TransformersModel,
    samples: Samples,
    sample_rate: int,
    prompt: str,
    target: str | None = None,
    *,
    epsilon: float = 0.002,
    steps: int = 100,
    step_size: float | None = None,
    restarts: int = 1,
    anonymizer: Anonymize | None = None,
    draws: int = 4,
    seed: int = 0,
) -> AdversarialClip:
    """Change a clip, by no more than ``epsilon`` a sample, so that a model answers otherwise.

    The perturbation starts at random and follows the sign of the gradient of the answer's loss
    through the model and its log-mel features, with momentum; of all steps and restarts the best is
    kept. With an anonymizer, which has no gradient, the attacker *adapts*: he runs it forward,
    several draws a step, and on the way back takes it for a constant shift of the features (BPDA
    with expectation over transformation). What an anonymizer removes of an attack that does not
    know of it says little.

    Args:
        model: A model with Whisper's features, which most open audio LLMs have.
        samples: ``(n,)`` float32, no longer than the model's window.
        sample_rate: Hz; the clip is brought to the model's own rate first.
        prompt: The question.
        target: The answer wanted; None: any but the one that the model gives (untargeted).
        epsilon: Bound in the sample domain (L-infinity), above 0 to 1; full scale is 1.
        steps: Of each start.
        step_size: Mean of the steps, which fall evenly to 0; None: ``2.5 * epsilon / steps``.
        restarts: Random starts.
        anonymizer: What the attacker knows to stand in front of the model.
        draws: Of the anonymizer, a step.
        seed: Of the starts; an anonymizer draws by itself.

    Returns:
        The clip at the model's rate.

    Raises:
        ConfigurationError: A number out of its range, or a model without this gradient.
        UnsupportedAudioError: The clip has more than one channel, no samples, or is longer than the
            model's window.

    References:
        A. Madry et al., "Towards deep learning models resistant to adversarial attacks", ICLR 2018,
        arXiv:1706.06083; Y. Dong et al., "Boosting adversarial attacks with momentum", CVPR 2018,
        arXiv:1710.06081; A. Athalye, N. Carlini and D. Wagner, "Obfuscated gradients give a false
        sense of security", ICML 2018, arXiv:1802.00420 (BPDA, expectation over transformation).
    """
    _check(epsilon, steps, step_size, restarts, draws)
    most = log_mel_of(model).most
    if samples.ndim != 1 or not samples.size:
        raise UnsupportedAudioError(f"a clip is (n,), one channel; got shape {samples.shape}")
    clean = np.asarray(samples, dtype=np.float32)
    if sample_rate != model.sample_rate:
        clean = resample(clean[None], sample_rate, model.sample_rate)[0]
    if len(clean) > most:
        raise UnsupportedAudioError(
            f"the clip has {len(clean) / model.sample_rate:.1f} s, the model hears "
            f"{most / model.sample_rate:g} s; cut it"
        )
    text = model(clean, model.sample_rate, prompt) if target is None else target
    loss = AnswerLoss(model, clean, prompt, text)
    search = _Search(loss, clean, model, 1.0 if target is not None else -1.0, anonymizer, draws)
    step = step_size or _REACH * epsilon / steps
    generator = np.random.default_rng(seed)
    starts = [_start(len(clean), epsilon, generator) for _ in range(restarts)]
    value, best = min((search.run(s, epsilon, step, steps) for s in starts), key=_first)
    sign = 1.0 if target is not None else -1.0
    return AdversarialClip(clean, best, model.sample_rate, epsilon, target, sign * value)


class _Search:
    """Descent of one clip's loss, or of its negative."""

    def __init__(
        self,
        loss: AnswerLoss,
        clean: Samples,
        model: TransformersModel,
        sign: float,
        anonymizer: Anonymize | None,
        draws: int,
    ) -> None:
        self._torch: Any = optional("torch", "hub", "adversarial audio")
        self._loss, self._sign = loss, sign
        self._anonymizer, self._draws = anonymizer, draws
        self._rate = model.sample_rate
        self._clean = self._torch.tensor(clean, device=model.model.device)

    def run(self, start: Samples, epsilon: float, step: float, steps: int) -> tuple[float, Samples]:
        """The least loss that was met on the way, and where."""
        torch = self._torch
        delta = self._within(torch.tensor(start, device=self._clean.device), epsilon)
        best, where = math.inf, delta
        direction = torch.zeros_like(delta)
        for number in range(steps + 1):
            value, gradient = self._slope(delta)
            if value < best:
                best, where = value, delta
            if number < steps:
                size = gradient.abs().mean().clamp(min=_LEAST)
                direction = _MOMENTUM * direction + (1.0 - _MOMENTUM) * gradient / size
                now = 2.0 * step * (1.0 - number / steps)
                delta = self._within(delta - now * direction.sign(), epsilon)
        return best, where.cpu().numpy()

    def _slope(self, delta: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Loss and gradient, mean over what an anonymizer makes of it."""
        torch = self._torch
        total, gradient = 0.0, torch.zeros_like(delta)
        hearings = [None] if self._anonymizer is None else self._heard(delta, self._anonymizer)
        for heard in hearings:
            moved = (self._clean + delta).requires_grad_()
            value = self._sign * self._loss(moved, heard)
            gradient += torch.autograd.grad(value, moved)[0] / len(hearings)
            total += float(value.detach()) / len(hearings)
        return total, gradient

    def _heard(self, delta: torch.Tensor, anonymizer: Anonymize) -> list[torch.Tensor]:
        samples = (self._clean + delta).cpu().numpy()
        made = [np.asarray(anonymizer(samples, self._rate)) for _ in range(self._draws)]
        return [self._torch.tensor(m, dtype=delta.dtype, device=delta.device) for m in made]

    def _within(self, delta: torch.Tensor, epsilon: float) -> torch.Tensor:
        """No more than epsilon, and no sample beyond full scale that was not there before."""
        top = self._clean.abs().clamp(min=1.0)
        moved = self._torch.minimum(self._clean + delta.clamp(-epsilon, epsilon), top)
        within: torch.Tensor = self._torch.maximum(moved, -top) - self._clean
        return within


def _start(length: int, epsilon: float, generator: np.random.Generator) -> Samples:
    return generator.uniform(-epsilon, epsilon, length).astype(np.float32)


def _first(found: tuple[float, Samples]) -> float:
    return found[0]


def _check(epsilon: float, steps: int, step_size: float | None, restarts: int, draws: int) -> None:
    if not 0.0 < epsilon <= 1.0 or (step_size is not None and not step_size > 0.0):
        raise ConfigurationError(
            f"epsilon= takes above 0 to 1 and step_size= above 0, got {epsilon!r} and {step_size!r}"
        )
    for name, value in {"steps": steps, "restarts": restarts, "draws": draws}.items():
        if value < 1:
            raise ConfigurationError(f"{name}= takes 1 or more, got {value!r}")
