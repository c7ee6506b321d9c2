"""What an attacker finds in the content alone, whose words are all that it is to hold.

The attacks that count hear speech, and take an hour each. This one gets the codes themselves, of
speakers who were not in its training, and takes a minute: what it finds, no decoder can hide, and
what it does not find leaks elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from recipes.common import say
from recipes.train_voice_conversion.critics import PhoneReader
from recipes.train_voice_conversion.data import Recorded
from recipes.train_voice_conversion.labels import PHONES, UNKNOWN
from voxguard.attacks.backends import create_backend
from voxguard.metrics import bootstrap_speakers, eer
from voxguard.models import network as torch_network
from voxguard.models.dvector import unit
from voxguard.models.network_numpy import STRIDE, NumpyNetwork
from voxguard.models.segments import CODES_A_SECOND, segmented

Floats = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float64]

CHUNK = 150  # codes of 20 ms
BATCH = 32
PIECE = 300  # codes, of which the back-end learns
RATE = 3e-3
MARGIN, SCALE = 0.2, 30.0
USUAL = 3  # levels
SEGMENTS = (20, 15, 10)
COARSE = (128, 64, 32)
LASTING = 4  # codes, of a phone whose duration is not to tell anything
WORDS = {True: "the phones, as they were aligned", False: "the phones, each as long as the next"}


def leaks(
    network: NumpyNetwork,
    attacked: Sequence[Recorded],
    others: Sequence[Recorded],
    *,
    steps: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Words and speakers in the content, by how much of it passes.

    Args:
        network: Whose content is attacked.
        attacked: Of each speaker two recordings or more; every second one is enrolled.
        others: Other speakers, on whom attacker and reader of phones are trained.
        steps: Of either's training.
        seed: Of all that is random.

    Returns:
        For no quantiser, each number of levels, segments, and a first level of fewer codes (its
        nearest merged, as k-means does): ``bits_per_second`` at most (None without a quantiser),
        ``eer`` with its interval over speakers, and ``phones``, the share of those that are read
        rightly in the attacked recordings (None where no phones are known).

    Raises:
        SystemExit: There are fewer than two speakers of either kind.
    """
    _enough(attacked, others)
    whole = [network.content(_heard(r)) for r in (*attacked, *others)]
    books = network.books
    sizes, usual = [len(book) for book in books], min(USUAL, len(books))
    passed: dict[str, tuple[float | None, list[Floats]]] = {"no quantiser": (None, whole)}
    for levels in range(len(books), 0, -1):
        kept = [network.quantised(x, levels) for x in whole]
        passed[_named(levels)] = _bits(sizes[:levels]), kept
    for levels, rate in itertools.product((usual, 1), SEGMENTS):
        kept = [network.quantised(segmented(x, rate), levels) for x in whole]
        named = f"{_named(levels)}, {rate} segments a second"
        passed[named] = _bits(sizes[:levels], rate), kept
    for codes in (c for c in COARSE if c < len(books[0])):
        coarse = merged(books[0], passed[_named(1)][1], codes, seed)
        kept = [coarse[nearest(x, books[0])] for x in whole]
        passed[f"1 level, {codes} codes"] = _bits([codes]), kept
    found = {}
    for name, (bits, content) in passed.items():
        split = content[: len(attacked)], content[len(attacked) :]
        found[name] = {
            "bits_per_second": bits,
            "eer": _eer(split, (attacked, others), steps, seed),
            "phones": _phones(split, (attacked, others), steps, seed),
        }
        say(f"content, {name}: EER {found[name]['eer']['value']}, phones {found[name]['phones']}")
    return found


def words(
    attacked: Sequence[Recorded], others: Sequence[Recorded], *, steps: int, seed: int
) -> dict[str, dict[str, Any]]:
    """What the same attacker finds in the phones: who says what, which no change of voice hides.

    Args:
        attacked: Of each speaker two recordings or more; every second one is enrolled.
        others: Other speakers, on whom the attacker is trained.
        steps: Of its training.
        seed: Of all that is random.

    Returns:
        For the phones with and without their durations: ``eer`` with its interval over speakers.
        Empty where no phones are known.

    Raises:
        SystemExit: There are fewer than two speakers of either kind.
    """
    _enough(attacked, others)
    found: dict[str, dict[str, Any]] = {}
    if all((r.phones == UNKNOWN).all() for part in (attacked, others) for r in part):
        return found
    for timed, name in WORDS.items():
        split = (
            [said(r, timed=timed) for r in attacked],
            [said(r, timed=timed) for r in others],
        )
        found[name] = {"eer": _eer(split, (attacked, others), steps, seed)}
        say(f"content, {name}: EER {found[name]['eer']['value']}")
    return found


def said(recorded: Recorded, *, timed: bool) -> Floats:
    """``(k, phones)``: which phone is said, one code in 20 ms; nothing where none is known.

    Args:
        recorded: Whose phones are known.
        timed: Each phone as long as it was said. Without it all have one duration, pauses too.
    """
    phones = recorded.phones[::STRIDE].astype(np.intp)
    if not timed:
        phones = np.repeat(phones[np.r_[True, np.diff(phones) != 0]], LASTING)
    shown: Floats = np.eye(len(PHONES), dtype=np.float32)[phones]
    shown[phones == UNKNOWN] = 0.0
    return shown


def merged(book: Floats, used: Sequence[Floats], codes: int, seed: int) -> Floats:
    """The entries of a codebook, each replaced by the mean of the group that it falls in.

    Args:
        book: ``(entries, dims)``.
        used: Entries as they follow one another in recordings, which is how much each counts.
        codes: Groups.
        seed: Of k-means.

    Returns:
        ``(entries, dims)`` of no more than ``codes`` different rows.
    """
    from sklearn.cluster import KMeans

    counts = np.bincount(nearest(np.concatenate(used), book), minlength=len(book))
    groups = KMeans(codes, n_init=4, random_state=seed).fit(book, sample_weight=counts)
    rows: Floats = groups.cluster_centers_[groups.labels_].astype(np.float32)
    return rows


def nearest(vectors: Floats, book: Floats) -> npt.NDArray[np.intp]:
    """Index of the entry nearest to each of ``(n, dims)``."""
    found: npt.NDArray[np.intp] = torch_network.nearest(
        *map(torch.from_numpy, (vectors, book))
    ).numpy()
    return found


class Verifier(nn.Module):
    """Dilated convolutions and attentive statistics, trained as ECAPA-TDNN is.

    D. Snyder et al., "X-vectors", ICASSP 2018; K. Okabe et al., "Attentive statistics pooling for
    deep speaker embedding", Interspeech 2018.
    """

    def __init__(self, content: int, speakers: int, width: int = 128) -> None:
        super().__init__()
        self.enter = nn.Conv1d(content, width, 5, padding=2)
        self.blocks = nn.ModuleList(
            [nn.Conv1d(width, width, 3, padding=d, dilation=d) for d in (2, 3, 4)]
        )
        self.norms = nn.ModuleList([nn.BatchNorm1d(width) for _ in range(4)])
        self.widen = nn.Sequential(nn.Conv1d(width, 2 * width, 1), nn.ReLU())
        self.attend = nn.Sequential(
            nn.Conv1d(2 * width, 64, 1), nn.Tanh(), nn.Conv1d(64, 2 * width, 1)
        )
        self.leave = nn.Sequential(nn.BatchNorm1d(4 * width), nn.Linear(4 * width, width))
        self.speakers = nn.Parameter(0.1 * torch.randn(speakers, width))

    def forward(self, content: Tensor) -> Tensor:
        """``(batch, dims, k)`` to ``(batch, width)``."""
        x = self.norms[0](functional.relu(self.enter(content)))
        for block, norm in zip(self.blocks, self.norms[1:], strict=True):
            x = x + norm(functional.relu(block(x)))
        x = self.widen(x)
        weights = torch.softmax(self.attend(x), dim=2)
        mean = (weights * x).sum(2)
        spread = ((weights * x.square()).sum(2) - mean.square()).clamp_min(1e-5).sqrt()
        vector: Tensor = self.leave(torch.cat([mean, spread], 1))
        return vector

    def loss(self, content: Tensor, speaker: Tensor) -> Tensor:
        """Cross entropy with an additive margin."""
        cosines = functional.normalize(self(content)) @ functional.normalize(self.speakers).T
        margin = MARGIN * functional.one_hot(speaker, len(self.speakers))
        return functional.cross_entropy(SCALE * (cosines - margin), speaker)


def _enough(*parts: Sequence[Recorded]) -> None:
    if any(len({r.speaker for r in part}) < 2 for part in parts):
        raise SystemExit(
            "an attack on the content takes two speakers or more with several recordings, and two "
            "others or more with one, to learn on; recordings under 2.6 s do not count"
        )


def _named(levels: int) -> str:
    return f"{levels} level" + "s" * (levels > 1)


def _bits(sizes: Sequence[int], rate: float = CODES_A_SECOND) -> float:
    """Most that so many codes a second can tell, with the places where segments begin."""
    share = rate / CODES_A_SECOND
    places = 0.0 if share >= 1.0 else -np.log2([share, 1.0 - share]) @ [share, 1.0 - share]
    return float(rate * np.log2(sizes).sum() + CODES_A_SECOND * places)


def _heard(recorded: Recorded) -> Floats:
    heard = (recorded.mel.astype(np.float32) - recorded.mean) / recorded.spread
    even: Floats = heard[: len(heard) // STRIDE * STRIDE].astype(np.float32)
    return even


def _eer(
    content: tuple[list[Floats], list[Floats]],
    recorded: tuple[Sequence[Recorded], Sequence[Recorded]],
    steps: int,
    seed: int,
) -> dict[str, Any]:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    names = sorted({r.speaker for r in recorded[1]})
    own = [
        [x for x, r in zip(content[1], recorded[1], strict=True) if r.speaker == name]
        for name in names
    ]
    often = np.sqrt([sum(map(len, theirs)) for theirs in own])
    verifier = Verifier(content[1][0].shape[1], len(names))

    def losses() -> Tensor:
        chosen = rng.choice(len(names), BATCH, p=often / often.sum())
        chunks = [_chunks([own[k][rng.integers(len(own[k]))]], rng)[0] for k in chosen]
        return verifier.loss(_stacked(chunks), torch.from_numpy(chosen))

    _train(verifier, losses, steps)
    learnt = [(piece, name) for name, theirs in zip(names, own, strict=True) for x in theirs
              for piece in np.array_split(x, max(2, round(len(x) / PIECE)))]  # fmt: skip
    backend = create_backend("wccn").fit(
        _vectors(verifier, [piece for piece, _ in learnt]), [name for _, name in learnt]
    )
    heard = _vectors(verifier, content[0])
    of = np.array([r.speaker for r in recorded[0]])
    order = np.array([np.count_nonzero(of[:k] == who) for k, who in enumerate(of)])
    everyone = sorted(set(of.tolist()))
    enrolled = np.stack([unit(heard[(of == k) & (order % 2 == 0)]).mean(axis=0) for k in everyone])
    trials = order % 2 == 1
    scores = backend.score(enrolled, heard[trials])
    tried = [str(k) for k in of[trials]]
    return bootstrap_speakers(eer, scores, [str(k) for k in everyone], tried, seed=seed).figure()


def _phones(
    content: tuple[list[Floats], list[Floats]],
    recorded: tuple[Sequence[Recorded], Sequence[Recorded]],
    steps: int,
    seed: int,
) -> float | None:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tested, taught = (
        [(x, r.phones[::STRIDE][: len(x)].astype(np.int64)) for x, r in zip(*part, strict=True)]
        for part in zip(content, recorded, strict=True)
    )
    if not all(any((phones != UNKNOWN).any() for _, phones in p) for p in (tested, taught)):
        return None
    reader = PhoneReader(content[1][0].shape[1])

    def losses() -> Tensor:
        cut = [_chunks(taught[k], rng) for k in rng.integers(len(taught), size=BATCH)]
        wanted = torch.from_numpy(np.stack([phones for _, phones in cut]))
        return functional.cross_entropy(
            reader(_stacked([x for x, _ in cut])), wanted, ignore_index=UNKNOWN
        )

    _train(reader, losses, steps)
    with torch.inference_mode():
        read = np.concatenate([reader(_stacked([x]))[0].argmax(0).numpy() for x, _ in tested])
    wanted = np.concatenate([phones for _, phones in tested])
    known = wanted != UNKNOWN
    return round(float((read == wanted)[known].mean()), 4)


def _train(model: nn.Module, losses: Any, steps: int) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=max(2, steps))
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        losses().backward()
        optimiser.step()
        schedule.step()
    model.eval()


def _vectors(verifier: Verifier, content: Sequence[Floats]) -> Vectors:
    with torch.inference_mode():
        found = [verifier(_stacked([x]))[0].double().numpy() for x in content]
    return np.stack(found)


def _chunks(arrays: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """The same random codes of each; what is shorter is repeated."""
    size = len(arrays[0])
    start = int(rng.integers(max(1, size - CHUNK + 1)))
    return [x[np.arange(start, start + CHUNK) % size] for x in arrays]


def _stacked(chunks: Sequence[Floats]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(chunks).transpose(0, 2, 1)))
