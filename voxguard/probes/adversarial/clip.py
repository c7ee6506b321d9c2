"""A clip that was changed to steer a model, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxguard.arrays import Samples


@dataclass(frozen=True, eq=False)
class AdversarialClip:
    """A clip and the perturbation that was added to it.

    Attributes:
        clean: ``(n,)`` float32, the clip as it was.
        perturbation: ``(n,)`` float32, at most ``epsilon`` anywhere.
        sample_rate: Hz.
        epsilon: Bound of the perturbation, full scale being 1.
        target: The answer that it steers to; None: away from the model's own.
        loss: Nats a token of the target (or of the model's own answer), mean over the draws of an
            anonymizer that the attacker reckoned with.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.adversarial import AdversarialClip
        >>> clean = np.full(4, 0.1, np.float32)
        >>> clip = AdversarialClip(clean, 0.01 * clean, 16_000, 0.001, "yes", 0.1)
        >>> round(clip.snr_db, 1)
        40.0
    """

    clean: Samples
    perturbation: Samples
    sample_rate: int
    epsilon: float
    target: str | None
    loss: float

    @property
    def samples(self) -> Samples:
        """``(n,)`` float32: what is played to the model."""
        return self.clean + self.perturbation

    @property
    def snr_db(self) -> float:
        """Power of the clip over that of the perturbation; infinite where nothing was added."""
        signal, noise = (
            float(np.square(part, dtype=np.float64).sum())
            for part in (self.clean, self.perturbation)
        )
        if noise == 0.0:
            return np.inf
        return 10.0 * float(np.log10(signal / noise)) if signal else -np.inf
