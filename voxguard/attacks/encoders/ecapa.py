"""ECAPA-TDNN trained from scratch: the attacker of the VoicePrivacy Challenge 2024."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from voxguard.attacks.encoders.base import Encoder, Progress, Vector, digest_of
from voxguard.attacks.encoders.checkpoint import read_checkpoint, write_checkpoint
from voxguard.attacks.encoders.ecapa_training import Training
from voxguard.attacks.encoders.sampling import Labelled
from voxguard.attacks.options import check_count, check_fraction, check_positive
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError
from voxguard.models.ecapa import EcapaModel
from voxguard.models.optional import optional
from voxguard.models.precision import check_precision

Schedule = Literal["fitted", "vpc2024"]

_VERSION = 1


class Ecapa(Encoder):
    """ECAPA-TDNN, trained from scratch on the recordings that :meth:`fit` gets.

    The recipe is that of the challenge: 80 filterbank energies, mean over the sentence taken off,
    random segments of 3 s, additive angular margin 0.2 at scale 30, Adam with weight decay 2e-6, a
    cyclic learning rate, a tenth of the utterances held out and the epoch of least error on them
    kept. Utterances shorter than a segment are repeated; the challenge's own code fails on them.

    Args:
        channels: Width of the network; the challenge takes 512.
        embedding: Size of the vector.
        epochs: Passes over the training utterances, each seen in one segment.
        batch_size: Segments a step; the challenge takes 256.
        segment_s: Length of a segment in seconds.
        learning_rate: Greatest rate of the cycle.
        schedule: ``"fitted"``: one cycle over all steps, so that the greatest rate is reached half
            way. ``"vpc2024"``: as the challenge has it, half a cycle is 65 000 steps; its own 3 660
            steps only get to 5.6e-4 on the way up to a nominal 0.01, fewer steps to less.
        margin: In radians.
        scale: Of the cosines.
        weight_decay: Of Adam.
        held_out: Fraction of the utterances by which the epoch is chosen.
        seed: Of initial weights, order and segments.
        precision: ``"auto"``, ``"float32"`` or ``"bfloat16"``, in training.
        device: Where it runs, in torch's words.

    Attributes:
        history: An entry an epoch: ``loss``, ``error`` on the held-out utterances (None where none
            could be held out) and ``kept``.

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        N. Tomashenko et al., "The VoicePrivacy 2024 Challenge evaluation plan", 2024,
        arXiv:2404.02677.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.encoders import create_encoder
        >>> from voxguard.attacks.recording import Recording
        >>> said = [
        ...     Recording(f"{s}-{u}", f"{s}", lambda s=s, u=u: voxguard.synthetic_voice(
        ...         seconds=1.0, speaker=s, seed=u))
        ...     for s in range(2) for u in range(2)
        ... ]
        >>> ecapa = create_encoder("ecapa", channels=16, embedding=8, epochs=1, segment_s=0.5)
        >>> ecapa.fit(said).embed(said[0]).shape
        (8,)
    """

    name: ClassVar[str] = "ecapa"
    trainable = True

    def __init__(
        self,
        *,
        channels: int = 512,
        embedding: int = 192,
        epochs: int = 10,
        batch_size: int = 32,
        segment_s: float = 3.0,
        learning_rate: float = 0.01,
        schedule: Schedule = "fitted",
        margin: float = 0.2,
        scale: float = 30.0,
        weight_decay: float = 2e-6,
        held_out: float = 0.1,
        seed: int = 0,
        precision: str = "auto",
        device: str = "cpu",
    ) -> None:
        self.channels = check_count("channels", channels, least=8)
        if channels % 8:
            raise ConfigurationError(f"channels= takes multiples of 8, got {channels!r}")
        self.embedding = check_count("embedding", embedding)
        self.epochs = check_count("epochs", epochs)
        self.batch_size = check_count("batch_size", batch_size, least=2)
        self.segment_s = check_positive("segment_s", segment_s)
        self.learning_rate = check_positive("learning_rate", learning_rate)
        if schedule not in ("fitted", "vpc2024"):
            raise ConfigurationError(f"schedule= takes fitted or vpc2024, got {schedule!r}")
        self.schedule = schedule
        self.margin = check_fraction("margin", margin)
        self.scale = check_positive("scale", scale)
        self.weight_decay = weight_decay
        self.held_out = check_fraction("held_out", held_out)
        self.seed = check_count("seed", seed, least=0)
        self.precision = check_precision(precision)
        self.device = device
        self.history: list[dict[str, Any]] = []
        self._model: EcapaModel | None = None

    def fit(self, recordings: Sequence[Recording], *, progress: Progress | None = None) -> Self:
        """Train from scratch.

        Args:
            recordings: Of at least two speakers.
            progress: Called with the fraction that is done.

        Raises:
            ConfigurationError: Fewer than two speakers, or than a batch of two utterances.
            AudioError: A recording cannot be read.
        """
        torch = optional("torch", "train", "ECAPA-TDNN")
        data = Labelled.of(recordings, 2, self.name)
        trained = copy.copy(self)
        trained.__dict__.pop("fingerprint", None)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            trained._model = self._new_model()
            trained.history = Training(self, trained._model, data).run(progress)
        return trained

    def _new_model(self) -> EcapaModel:
        return EcapaModel(channels=self.channels, embedding=self.embedding, device=self.device)

    @property
    def _ready(self) -> EcapaModel:
        if self._model is None:
            raise ConfigurationError(f"{self.name} has not been trained: call fit() or restore()")
        return self._model

    def embed(self, recording: Recording) -> Vector:
        """Vector of an utterance.

        Returns:
            ``(embedding,)``.

        Raises:
            ConfigurationError: Not trained yet.
            AudioError: The audio cannot be read.
        """
        model = self._ready
        return model.embed(model.features(recording.samples()))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and the version of the code."""
        state = sorted(self._ready.network.state_dict().items())
        return digest_of(self.name, _VERSION, *(value.cpu().numpy() for _, value in state))

    def save(self, path: Path) -> None:
        """Write weights, options and history; see the base class."""
        state = self._ready.network.state_dict()
        arrays = {name: value.cpu().numpy() for name, value in state.items()}
        write_checkpoint(path, self, arrays, self.history)

    def restore(self, path: Path) -> Self:
        """Give the trained encoder that was saved; see the base class."""
        torch = optional("torch", "train", "ECAPA-TDNN")
        arrays, history = read_checkpoint(path, self)
        trained = copy.copy(self)
        trained.__dict__.pop("fingerprint", None)
        trained._model = self._new_model()
        state = {name: torch.from_numpy(value) for name, value in arrays.items()}
        trained._model.network.load_state_dict(state)
        trained.history = history
        return trained
