"""The d-vector fine-tuned on labelled speech: the retrained attacker that a laptop can afford."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from voxguard.attacks.encoders.base import Encoder, Progress, Vector, digest_of
from voxguard.attacks.encoders.checkpoint import read_checkpoint, write_checkpoint
from voxguard.attacks.encoders.finetuning import FineTuning
from voxguard.attacks.encoders.sampling import Labelled
from voxguard.attacks.options import check_count, check_fraction, check_positive
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError
from voxguard.models.dvector import DVectorModel, utterance_mel
from voxguard.models.optional import optional
from voxguard.models.precision import check_precision

_VERSION = 1


class FineTunedDVector(Encoder):
    """The pretrained d-vector, fine-tuned to tell the speakers of :meth:`fit`'s recordings apart.

    Trained on anonymized speech, it learns to hear through the anonymizer what identifies a
    speaker. Random crops of random speakers are classified with an additive margin; the classifier
    starts from the speakers' mean vectors, so that no step is lost on finding them. Some speakers
    are held out, and what recognises *them* best is kept, the pretrained weights being the first
    candidate: where training does harm, :attr:`history` says so and the pretrained are used.

    Two anonymized renderings of each recording are worth more than one, and more so for speakers
    with few recordings.

    Args:
        steps: Of the optimizer.
        batch_size: Crops a step.
        learning_rate: Greatest rate of the network's; the classifier's is ten times as high.
        margin: Taken off the cosine of the right speaker.
        scale: Of the cosines.
        crop_s: Least and greatest length of a crop in seconds; drawn for each step.
        balance: How often a speaker with more recordings is drawn: 0 as often as any other, 1 as
            many times as often as she has recordings.
        weight_decay: Of AdamW.
        held_out: Fraction of the speakers by whom the weights are chosen. With fewer than 8
            speakers nobody is held out and the last weights are kept.
        checks: How many times the held-out speakers are tried.
        seed: Of the choice of speakers and crops.
        trim: As in :class:`~voxguard.attacks.encoders.dvector.DVector`.
        precision: ``"auto"``, ``"float32"`` or ``"bfloat16"``, in training.
        device: Where it runs, in torch's words.

    Attributes:
        history: An entry a check, the first of the pretrained weights: ``step``, ``loss``,
            ``eer`` of the held-out speakers (None where nobody is) and ``kept``.

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018.
        F. Wang et al., "Additive margin softmax for face verification", 2018.
        Fine-tuned attackers: "The First VoicePrivacy Attacker Challenge", 2025, arXiv:2504.14183.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.encoders import create_encoder
        >>> from voxguard.attacks.recording import Recording
        >>> said = [
        ...     Recording(f"{s}-{u}", f"{s}", lambda s=s, u=u: voxguard.synthetic_voice(
        ...         seconds=1.0, speaker=s, seed=u))
        ...     for s in range(2) for u in range(2)
        ... ]
        >>> attacker = create_encoder("dvector-finetuned", steps=2, batch_size=2).fit(said)
        >>> attacker.embed(said[0]).shape
        (256,)
        >>> [entry["step"] for entry in attacker.history]
        [0, 1, 2]
    """

    name: ClassVar[str] = "dvector-finetuned"
    trainable = True

    def __init__(
        self,
        *,
        steps: int = 900,
        batch_size: int = 48,
        learning_rate: float = 1e-3,
        margin: float = 0.2,
        scale: float = 30.0,
        crop_s: tuple[float, float] = (1.6, 2.0),
        balance: float = 0.5,
        weight_decay: float = 0.01,
        held_out: float = 0.1,
        checks: int = 6,
        seed: int = 0,
        trim: bool = True,
        precision: str = "auto",
        device: str = "cpu",
    ) -> None:
        self.steps = check_count("steps", steps)
        self.batch_size = check_count("batch_size", batch_size, least=2)
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self.margin = check_fraction("margin", margin)
        self.scale = check_positive("scale", scale)
        low, high = (check_positive("crop_s", one) for one in crop_s)
        if not 0.2 <= low <= high:
            raise ConfigurationError(
                f"crop_s= takes a least and a greatest length from 0.2 s on, got {crop_s!r}"
            )
        self.crop_s = (low, high)
        self.balance = check_fraction("balance", balance)
        self.weight_decay = weight_decay
        self.held_out = check_fraction("held_out", held_out)
        self.checks = check_count("checks", checks)
        self.seed = check_count("seed", seed, least=0)
        self.trim = trim
        self.precision = check_precision(precision)
        self.device = device
        self.history: list[dict[str, Any]] = []
        self._model: DVectorModel | None = None

    def fit(self, recordings: Sequence[Recording], *, progress: Progress | None = None) -> Self:
        """Fine-tune the pretrained weights.

        Args:
            recordings: Of at least two speakers.
            progress: Called with the fraction that is done.

        Raises:
            ConfigurationError: Fewer than two speakers.
            AudioError: A recording cannot be read, or is digital silence.
        """
        data = Labelled.of(recordings, 2, self.name)
        return self._with(*FineTuning(self, data).run(progress))

    def _with(self, model: DVectorModel, history: list[dict[str, Any]]) -> Self:
        trained = copy.copy(self)
        trained.__dict__.pop("fingerprint", None)
        trained._model, trained.history = model, history
        return trained

    @property
    def _ready(self) -> DVectorModel:
        if self._model is None:
            raise ConfigurationError(f"{self.name} has not been trained: call fit() or restore()")
        return self._model

    def embed(self, recording: Recording) -> Vector:
        """Vector of an utterance.

        Returns:
            ``(256,)`` of unit length.

        Raises:
            ConfigurationError: Not trained yet.
            AudioError: The audio cannot be read, or is digital silence.
        """
        return self._ready.embed_mel(utterance_mel(recording.samples(), trim=self.trim))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights, ``trim`` and the version of the code."""
        state = sorted(self._ready.state().items())
        return digest_of(self.name, _VERSION, self.trim, *(value.numpy() for _, value in state))

    def save(self, path: Path) -> None:
        """Write weights, options and history; see the base class."""
        arrays = {name: value.numpy() for name, value in self._ready.state().items()}
        write_checkpoint(path, self, arrays, self.history)

    def restore(self, path: Path) -> Self:
        """Give the trained encoder that was saved; see the base class."""
        torch = optional("torch", "eval", "the d-vector")
        arrays, history = read_checkpoint(path, self)
        weights = {name: torch.from_numpy(value) for name, value in arrays.items()}
        return self._with(DVectorModel(device=self.device, weights=weights), history)
