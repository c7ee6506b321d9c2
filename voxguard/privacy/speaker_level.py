"""DP-SGD with the speaker as the unit: what is hidden is that somebody is in the data at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Literal

from voxguard.models.optional import optional
from voxguard.privacy.ledger import BudgetExceededError, Ledger
from voxguard.privacy.sampling import (
    new_key,
    poisson_cohort,
    run_name,
    stream,
    torch_seed,
    utterance_sample,
)
from voxguard.privacy.speaker_checks import check_figures, check_ledger, check_speakers, trainable

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from voxguard.privacy.clipping import Clipped

__all__ = ["SpeakerDP"]

Report = dict[str, Any]


class SpeakerDP:
    r"""Train with differential privacy towards speakers.

    In each step every speaker takes part with chance `sampling_rate` :math:`q`, independently of
    the others. Of each who does, `utterances` are drawn, the gradient :math:`g_s` of their mean
    loss is clipped to `clipping_norm` :math:`C`, and what the optimizer gets is

    .. math:: \frac{1}{qN}\Bigl(\sum_s \min\bigl(1, C/\lVert g_s\rVert\bigr)\,g_s
              + \mathcal N\bigl(0, \sigma^2C^2 I\bigr)\Bigr),

    over all :math:`N` speakers, whoever came: a denominator that followed the cohort would give
    away its size. A step for which nobody was drawn is noise alone. How many utterances a speaker
    has does not matter to the privacy. The ledger is charged before the gradient is computed.

    What is private is the model, and the updates that `on_release` sees. What is not: the reports
    that :meth:`step` returns, and checkpoints, which hold the secret key of sampling and noise.
    Publish ``model.state_dict()``. Everything that is decided by looking at reports, or tried with
    other settings on the same speakers, costs privacy that is not in the ledger.

    Buffers never change. Batch normalisation goes by the statistics of one speaker's utterances
    while it is in training mode, and its running statistics are not trained: take them from public
    speech, take GroupNorm, or put it into ``eval()`` from the start. Parameters that do not require
    a gradient stay as they are. Noise is ordinary floating point from an ordinary generator.

    Args:
        model: Is moved to `device`. Its mode, training or not, is the caller's.
        optimizer: Over parameters of the model.
        speakers: The utterances of each, in whatever form `collate` takes. Fixed while training.
        collate: Makes a batch of `utterances` items of one speaker. Its tensors, however nested in
            tuples, lists and dictionaries, are moved to `device`. What is random in it or in `loss`
            (crops, dropout) should come from torch's global generator, which is seeded for each
            speaker in each step; else a step cannot be repeated to the bit.
        loss: Gives the mean loss of the model on a batch, a scalar. It sees one speaker at a time.
        noise_multiplier: :math:`\sigma`. 0 is no privacy, and refused by a ledger with a limit.
        sampling_rate: :math:`q`, above 0 to 1.
        clipping_norm: :math:`C`, above 0.
        utterances: Drawn of a speaker in a step, without repetition as far as there are enough.
        engine: ``"microbatch"``: speakers one after the other; any model. ``"vectorised"``: 32 at
            once, faster for small models; all batches of the same shapes, only layers that
            ``torch.func`` takes, none with running statistics.
        per_layer: Clip each of the :math:`L` parameter tensors to :math:`C/\sqrt L`, not the
            whole to :math:`C`. The whole then has norm :math:`C` at most, too.
        ledger: With unit ``"speaker"`` and the population of `speakers`; by default one in memory,
            without a limit.
        scheduler: Of the learning rate, or whatever else has ``step()``, called after each step of
            the optimizer, and ``state_dict()`` and ``load_state_dict()`` for checkpoints.
        on_release: Called with the number of the step and the update above, a tensor for each
            trainable parameter; that much an adversary may see.
        seed: For research only: whoever knows it can take the noise off again. None: entropy of
            the operating system.
        device: Where it runs, in torch's words.

    Attributes:
        steps_done: Steps that the model has behind it.
        denominator: :math:`qN`.
        ledger: As given, or the one in memory.

    Raises:
        ConfigurationError: A value outside its range; a speaker without utterances; a ledger of
            another unit or population; an optimizer over what is not in the model; a model that the
            engine cannot train.

    References:
        H. B. McMahan, D. Ramage, K. Talwar, L. Zhang, "Learning differentially private recurrent
        language models", ICLR 2018.

    Example:
        >>> import torch
        >>> from voxguard.privacy import SpeakerDP
        >>> speakers = {f"s{i}": [torch.full((3,), float(i))] * 5 for i in range(20)}
        >>> model = torch.nn.Linear(3, 1)
        >>> trainer = SpeakerDP(
        ...     model, torch.optim.SGD(model.parameters(), lr=0.1), speakers, torch.stack,
        ...     lambda model, batch: model(batch).square().mean(),
        ...     noise_multiplier=1.0, sampling_rate=0.5, clipping_norm=1.0, seed=1)
        >>> reports = trainer.fit(3)
        >>> trainer.steps_done, round(trainer.ledger.epsilon(), 1)
        (3, 1.8)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        speakers: Mapping[str, Sequence[Any]],
        collate: Callable[[list[Any]], Any],
        loss: Callable[[nn.Module, Any], Tensor],
        *,
        noise_multiplier: float,
        sampling_rate: float,
        clipping_norm: float,
        utterances: int = 4,
        engine: Literal["microbatch", "vectorised"] = "microbatch",
        per_layer: bool = False,
        ledger: Ledger | None = None,
        scheduler: Any = None,
        on_release: Callable[[int, list[Tensor]], None] | None = None,
        seed: int | None = None,
        device: str = "cpu",
    ) -> None:
        self._torch = optional("torch", "dp", "speaker-level DP")
        from voxguard.privacy.engines import create_engine

        check_figures(noise_multiplier, sampling_rate, clipping_norm, utterances, seed)
        check_speakers(speakers)
        if ledger is None:
            ledger = Ledger(None, unit="speaker", population=len(speakers))
        check_ledger(ledger, len(speakers), noise_multiplier)
        self.model = model.to(device)
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.speakers = dict(speakers)
        self.collate = collate
        self.loss = loss
        self.noise_multiplier = float(noise_multiplier)
        self.sampling_rate = float(sampling_rate)
        self.clipping_norm = float(clipping_norm)
        self.utterances = utterances
        self.engine = engine
        self.per_layer = per_layer
        self.ledger = ledger
        self.on_release = on_release
        self.device = self._torch.device(device)
        self.denominator = self.sampling_rate * len(self.speakers)
        self.steps_done = 0
        self._names = sorted(self.speakers)
        self._key = new_key(seed)
        self._seeded = seed is not None
        self._run: str | None = None
        self._seen: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        self._rows: Tensor | None = None
        self._parameters = trainable(model, optimizer)
        self._sizes = [p.numel() for p in self._parameters]
        self._engine = create_engine(engine, model, loss)

    def step(self) -> Report:
        """One step: charge, sample, clip, add noise, update.

        Returns:
            Of the speakers who took part, **not private**: ``step``, ``cohort`` (how many),
            ``loss`` (mean; None for an empty cohort), ``clipped`` (share of them), ``norm`` (median
            before clipping; None likewise), ``not_finite`` (how many counted as zero).

        Raises:
            BudgetExceededError: It would pass the ledger's limit. The model is as before.
            ConfigurationError: The ledger belongs to another run; see
                :meth:`~voxguard.privacy.Ledger.charge`.
        """
        from voxguard.privacy.noise import add_gaussian

        at = self.steps_done
        self.ledger.charge(
            at,
            noise_multiplier=self.noise_multiplier,
            sampling_rate=self.sampling_rate,
            run=self.run,
        )
        cohort = poisson_cohort(self._names, self.sampling_rate, stream(self._key, at, "cohort"))
        self._seen = []
        with self._own_randomness():
            total = self._sum(cohort)
        add_gaussian(total, self.noise_multiplier * self.clipping_norm, self._key, at)
        self.optimizer.zero_grad(set_to_none=True)  # also of what is frozen
        for parameter, part in zip(self._parameters, self._split(total), strict=True):
            parameter.grad = (part / self.denominator).to(parameter.dtype)
        if self.on_release is not None:
            self.on_release(at, [p.grad.clone() for p in self._parameters if p.grad is not None])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.scheduler is not None:
            self.scheduler.step()
        self.steps_done += 1
        return self._report(at, len(cohort))

    def fit(
        self,
        steps: int,
        *,
        checkpoint: Path | None = None,
        every: int = 50,
        progress: Callable[[int, Report], None] | None = None,
    ) -> list[Report]:
        """Train up to a number of steps, going on from the checkpoint if there is one.

        What was charged and lost in a crash is repeated, and costs nothing more: to the bit on a
        CPU, and on CUDA as far as its kernels are deterministic; the noise always.

        Args:
            steps: How many the model has behind it at the end, counted from the first.
            checkpoint: A file, written before the first step, every so many, and at the end. Keep
                it as secret as the data.
            every: Steps between checkpoints.
            progress: Called after each step with the steps done and the report.

        Returns:
            The reports of the steps that were taken now; **not private**.

        Raises:
            BudgetExceededError: The limit came first. The checkpoint is written.
            ConfigurationError: The checkpoint is of another training, or damaged.
            OutputError: The checkpoint cannot be written.
        """
        from voxguard.privacy.speaker_checkpoint import restore, save

        if checkpoint is not None and not restore(self, Path(checkpoint)):
            save(self, Path(checkpoint))
        reports: list[Report] = []
        saved = self.steps_done
        try:
            while self.steps_done < steps:
                reports.append(self.step())
                if progress is not None:
                    progress(self.steps_done, reports[-1])
                if checkpoint is not None and self.steps_done - saved >= every:
                    save(self, Path(checkpoint))
                    saved = self.steps_done
        except BudgetExceededError:
            if checkpoint is not None:
                save(self, Path(checkpoint))
            raise
        if checkpoint is not None and self.steps_done > saved:
            save(self, Path(checkpoint))
        return reports

    def contribution(self, speaker: str) -> list[Tensor]:
        """What one speaker adds to the sum in the coming step: the clipped gradient.

        To be overridden, by canaries for one, that add something else. What is given is added as
        it is: its norm over all tensors together has to be at most `clipping_norm`. Where it is
        overridden, speakers are asked one by one, with the vectorised engine too.

        Args:
            speaker: Name.

        Returns:
            A tensor for each trainable parameter, in the order of ``model.parameters()``.
        """
        from voxguard.privacy.clipping import scaled

        return self._split(scaled(*self._clipped([speaker]))[0])

    @property
    def run(self) -> str:
        """Name of this run in the ledger: the same only if all that decides the updates is."""
        if self._run is None:
            flat = [p.detach().cpu().reshape(-1) for p in self.model.parameters()]
            values = [part.view(self._torch.uint8).numpy().tobytes() for part in flat]
            self._run = run_name(self._key, repr(self.settings()).encode(), *values)
        return self._run

    def settings(self) -> dict[str, Any]:
        """What has to be the same before and after an interruption."""
        names = ("noise_multiplier", "sampling_rate", "clipping_norm", "utterances", "engine",
                 "per_layer")  # fmt: skip
        counts = repr([(name, len(self.speakers[name])) for name in self._names])
        who = run_name(b"", counts.encode())
        return {**{name: getattr(self, name) for name in names}, "speakers": who}

    def _sum(self, cohort: list[str]) -> Tensor:
        """``(P,)`` in float64, over all trainable parameters."""
        from voxguard.privacy.clipping import add_clipped

        torch = self._torch
        total: Tensor = torch.zeros(sum(self._sizes), dtype=torch.float64, device=self.device)
        if type(self).contribution is not SpeakerDP.contribution:
            for speaker in cohort:
                total += torch.cat([part.reshape(-1) for part in self.contribution(speaker)])
            return total
        for start in range(0, len(cohort), self._engine.at_once):
            add_clipped(total, *self._clipped(cohort[start : start + self._engine.at_once]))
        return total

    def _clipped(self, speakers: list[str]) -> tuple[Tensor, Clipped]:
        """Gradients ``(B, P)`` of some speakers, until the next call, and how to clip them."""
        from voxguard.privacy.clipping import clip

        torch = self._torch
        losses, gradients = self._engine.gradients([self._batch(name) for name in speakers])
        flat = [gradient.reshape(len(speakers), -1) for gradient in gradients]
        if self._rows is None or len(self._rows) < len(speakers):
            double = any(part.dtype == torch.float64 for part in flat)
            self._rows = torch.empty(
                (len(speakers), sum(self._sizes)),
                dtype=torch.float64 if double else torch.float32,
                device=self.device,
            )
        # Into memory that is there: to allocate it anew costs ten times as much as to fill it.
        rows = torch.cat(flat, 1, out=self._rows[: len(speakers)])
        layers = self._sizes if self.per_layer else None
        clipped = clip(rows, self.clipping_norm, layers=layers)
        scaled_down = (clipped.factors < 1.0).any(1)
        self._seen.append((losses, clipped.norms, scaled_down, clipped.dropped))
        return rows, clipped

    def _split(self, flat: Tensor) -> list[Tensor]:
        parts = zip(self._torch.split(flat, self._sizes), self._parameters, strict=True)
        return [part.view_as(parameter) for part, parameter in parts]

    def _batch(self, speaker: str) -> Any:
        from voxguard.privacy.engines.batches import moved

        torch, purpose = self._torch, (self.steps_done, "speaker", speaker)
        rng = stream(self._key, *purpose)
        seed = torch_seed(self._key, *purpose)
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            with torch.cuda.device(self.device):
                torch.cuda.manual_seed(seed)
        said = utterance_sample(self.speakers[speaker], self.utterances, rng)
        return moved(self.collate(said), self.device)

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Torch's global generators are as before afterwards."""
        on_cuda = self.device.type == "cuda"
        with self._torch.random.fork_rng(devices=[self.device] if on_cuda else []):
            yield

    def _report(self, at: int, cohort: int) -> Report:
        columns = [self._torch.cat(column).tolist() for column in zip(*self._seen, strict=True)]
        losses, norms, scaled_down, dropped = columns or [[], [], [], []]
        self._seen = []
        return {
            "step": at,
            "cohort": cohort,
            "loss": fmean(losses) if losses else None,
            "clipped": fmean(scaled_down) if scaled_down else 0.0,
            "norm": median(norms) if norms else None,
            "not_finite": sum(dropped),
        }
