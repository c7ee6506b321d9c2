"""The training loop of the fine-tuned d-vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxguard.attacks.encoders.base import Progress
from voxguard.attacks.encoders.sampling import FeatureCache, Labelled, crop
from voxguard.metrics.eer import eer
from voxguard.models.dvector import DVectorModel, unit, utterance_mel
from voxguard.models.margin import margin_loss
from voxguard.models.optional import optional
from voxguard.models.precision import autocast
from voxguard.models.schedule import warmup_cosine

if TYPE_CHECKING:
    from voxguard.attacks.encoders.dvector_finetuned import FineTunedDVector

LEAST_SPEAKERS = 8  # below, nobody is held out
_LARGEST_GRADIENT = 3.0
_CLASSIFIER_RATE = 10.0  # times that of the network
_TRIED_EACH = 8  # crops of a held-out speaker


class FineTuning:
    """One run. It reads nothing but its options and recordings, so a seed gives one result."""

    def __init__(self, options: FineTunedDVector, data: Labelled) -> None:
        self.torch = optional("torch", "eval", "fine-tuning the d-vector")
        self.options = options
        self.rng = np.random.default_rng(options.seed)
        self.model = DVectorModel(device=options.device)
        self.mels = FeatureCache(
            lambda one: utterance_mel(one.samples(), trim=options.trim, pad=False)
        )
        held = held_out_speakers(data, options.held_out, self.rng)
        mask = np.isin(data.labels, held)
        self.data = data.chosen(~mask)
        self.unseen = data.chosen(mask) if held.size else None
        counts = np.bincount(self.data.labels).astype(np.float64)
        self.odds = counts**options.balance / np.sum(counts**options.balance)
        self.said_by = [
            np.flatnonzero(self.data.labels == one) for one in range(len(self.data.speakers))
        ]

    def run(self, progress: Progress | None) -> tuple[DVectorModel, list[dict[str, Any]]]:
        """Train, and give the best weights with an account of how they were chosen."""
        options, steps = self.options, self.options.steps
        trials = self._trials()
        history = [entry(0, None, self._try(trials))]
        states = [self.model.state()]
        directions = self._directions()
        network = list(self.model.layers.parameters())
        optimizer = self.torch.optim.AdamW(
            [{"params": network, "of": 1.0}, {"params": [directions], "of": _CLASSIFIER_RATE}],
            weight_decay=options.weight_decay,
        )
        check_at = {round(steps * (n + 1) / options.checks) for n in range(options.checks)}
        losses: list[float] = []
        for step in range(steps):
            rate = options.learning_rate * warmup_cosine(step, steps)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["of"]
            loss = self._loss(directions)
            optimizer.zero_grad()
            loss.backward()
            self.torch.nn.utils.clip_grad_norm_([*network, directions], _LARGEST_GRADIENT)
            optimizer.step()
            losses.append(float(loss.detach()))
            if step + 1 in check_at:
                history.append(entry(step + 1, float(np.mean(losses)), self._try(trials)))
                states.append(self.model.state())
                losses.clear()
            if progress is not None:
                progress((step + 1) / steps)
        best = max(n for n, check in enumerate(history) if np.isfinite(check["loss"] or 0.0))
        if trials is not None:
            best = int(np.argmin([check["eer"] for check in history]))
        history[best]["kept"] = True
        return DVectorModel(device=options.device, weights=states[best]), history

    def _directions(self) -> Any:
        """Classifier weights: the mean vector of each speaker before any training."""
        vectors = np.zeros((len(self.said_by), 256))
        for speaker, said in enumerate(self.said_by):
            for one in said[:_TRIED_EACH]:
                mel = self.mels(self.data.recordings[one])
                vectors[speaker] += self.model.embed_mel(crop(mel, max(160, len(mel)), self.rng))
        start = self.torch.from_numpy(unit(vectors).astype(np.float32))
        return self.torch.nn.Parameter(start.to(self.options.device))

    def _loss(self, directions: Any) -> Any:
        """Loss of one random batch."""
        options = self.options
        low, high = (round(100 * seconds) for seconds in options.crop_s)
        length = int(self.rng.integers(low, high + 1))
        who = self.rng.choice(len(self.odds), options.batch_size, p=self.odds)
        picked = [self.said_by[one][self.rng.integers(self.said_by[one].size)] for one in who]
        crops = [crop(self.mels(self.data.recordings[one]), length, self.rng) for one in picked]
        mels = self.torch.from_numpy(np.stack(crops)).to(options.device)
        with autocast(options.device, options.precision):
            projected = self.model.project(mels)
        labels = self.torch.from_numpy(who).to(options.device)
        loss, _ = margin_loss(
            projected.float().relu(), directions, labels, margin=options.margin, scale=options.scale
        )
        return loss

    def _trials(self) -> tuple[Any, npt.NDArray[np.intp]] | None:
        """Crops of the held-out speakers, as many of each, and whose they are."""
        if self.unseen is None:
            return None
        rng = np.random.default_rng(self.options.seed)
        crops, labels = [], []
        for speaker in range(len(self.unseen.speakers)):
            said = rng.permutation(np.flatnonzero(self.unseen.labels == speaker))
            for one in np.resize(said, _TRIED_EACH):
                crops.append(crop(self.mels(self.unseen.recordings[one]), 200, rng))
                labels.append(speaker)
        mels = self.torch.from_numpy(np.stack(crops)).to(self.options.device)
        return mels, np.array(labels)

    def _try(self, trials: tuple[Any, npt.NDArray[np.intp]] | None) -> float | None:
        """Equal error rate over all pairs of crops of held-out speakers."""
        if trials is None:
            return None
        mels, labels = trials
        with self.torch.inference_mode():
            parts = [self.model(mels[at : at + 64]) for at in range(0, len(mels), 64)]
            vectors = self.torch.cat(parts).double().cpu().numpy()
        if not np.isfinite(vectors).all():
            return 1.0  # the training diverged: worse than any that did not
        scores = vectors @ vectors.T
        same = labels[:, None] == labels
        upper = np.triu(np.ones_like(same), 1)
        return eer(scores[same & upper], scores[~same & upper])


def entry(step: int, loss: float | None, error_rate: float | None) -> dict[str, Any]:
    """What is known after some steps."""
    return {"step": step, "loss": loss, "eer": error_rate, "kept": False}


def held_out_speakers(
    data: Labelled, fraction: float, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Choose speakers of whom nothing is trained on, evenly over how much they say.

    Returns:
        Their labels; at least two, or none with fewer than 8 speakers or a fraction of 0.
    """
    speakers = len(data.speakers)
    if speakers < LEAST_SPEAKERS or fraction == 0.0:
        return np.zeros(0, dtype=np.intp)
    wanted = min(max(2, round(fraction * speakers)), speakers - 2)
    # Sorted by how much they say, in an order of chance among equals, and one picked of each part.
    mixed = rng.permutation(speakers)
    order = mixed[np.argsort(np.bincount(data.labels)[mixed], kind="stable")]
    return np.array([rng.choice(part) for part in np.array_split(order, wanted)], dtype=np.intp)
