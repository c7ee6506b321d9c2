"""Phase 1: how well members are told from non-members by one who never asks the model.

Lists of members and non-members differ in more than membership: another year, corpus, codec, topic.
A "membership" attack that finds this says nothing of the model, and most published data sets fall
to a logistic regression on the bare clips. So this comes first.

References:
    Dong, Lin, Lee, membership inference against audio LLMs, Interspeech 2026, arXiv:2603.28378.
    J. Zhang et al., "Membership inference attacks cannot prove that a model was trained on your
    data", IEEE SaTML 2025, arXiv:2409.19798.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import AudioError, ConfigurationError
from voxguard.metrics import Interval
from voxguard.models.optional import optional
from voxguard.probes.membership.clips import Clips
from voxguard.probes.membership.features import measured, metadata_features
from voxguard.probes.membership.intervals import Intervals
from voxguard.probes.membership.regression import PURPOSE, deal, out_of_fold, unit_rows

Array = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

METADATA, TEXT, SOUND, ALL = "metadata", "text", "acoustic", "all"

_WORD = r"(?u)\b\w+\b"  # one letter is a word as well


@dataclass(frozen=True, eq=False)
class Blind:
    """What is told of membership without the model.

    Attributes:
        clips: Those that could be read.
        scores: ``(n,)`` out-of-fold log-odds of membership by ``"metadata"``, ``"text"``,
            ``"acoustic"`` and ``"all"``.
        auc: How well each tells; chance is 0.5.
        unread: Why a clip was left out, by its key.
        skipped: Why a part was left out.
    """

    clips: Clips
    scores: Mapping[str, Array]
    auc: Mapping[str, Interval]
    unread: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def strongest(self) -> str:
        """The part with the highest AUC."""
        return max(self.auc, key=lambda part: self.auc[part].value or 0.0)


def blind_baseline(
    clips: Clips,
    *,
    metadata: Sequence[str] = (),
    seed: int = 0,
    resamples: int = 1000,
    progress: Progress | None = None,
) -> Blind:
    """Tell members from non-members without the model.

    Three kinds of features, each apart and all together, go into a logistic regression, which
    scores clips of speakers that it has not been trained on: metadata (``metadata``, seconds,
    sample rate, kind of file), words (TF-IDF of words and pairs of words), and sound (MFCC,
    spectrum, energy, pitch, pauses, level, noise floor). On some tens of clips, drawn by lot from
    one list, the AUC comes out a few hundredths below 0.5: what the training folds have too many
    of, the others lack.

    Args:
        clips: Members and non-members.
        metadata: Columns of the manifest to look at besides. None that says who is a member.
        seed: Of folds and intervals.
        resamples: Of the intervals.
        progress: Is called with how many clips are read, and of how many.

    Returns:
        Scores and AUCs.

    Raises:
        ConfigurationError: A column that no clip has; too few clips that can be read.
        MissingExtraError: scikit-learn or pyworld is not installed (``eval``).

    Example:
        >>> from pathlib import Path
        >>> import voxguard
        >>> from voxguard.audio import encode
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.membership import blind_baseline, clips_of
        >>> def recorded(side, gain):
        ...     clips = [Utterance(f"{i}", Path(f"{side}{i}.wav"), f"{side}{i}") for i in range(6)]
        ...     for i, clip in enumerate(clips):
        ...         voice = voxguard.synthetic_voice(seconds=1.0, speaker=i)
        ...         _ = clip.path.write_bytes(encode(gain * voice[None], 16_000, "wav"))
        ...     return Manifest(side, tuple(clips))
        >>> blind = blind_baseline(clips_of(recorded("in", 1.0), recorded("out", 0.1)), resamples=9)
        >>> blind.strongest, blind.auc["acoustic"].value > 0.55, blind.skipped
        ('acoustic', True, {'text': 'no word in any transcript'})
    """
    read, unread = [], {}
    for number, (key, utterance) in enumerate(zip(clips.keys, clips.utterances, strict=True), 1):
        try:
            read.append(measured(utterance))
        except AudioError as error:
            unread[key] = f"{type(error).__name__}: {error}"
        if progress is not None:
            progress(number, len(clips))
    if not read:
        raise ConfigurationError(
            f"none of {len(clips)} clips can be read; the first: {next(iter(unread.values()))}"
        )
    kept = clips.only([key not in unread for key in clips.keys])
    blocks, skipped = _blocks(kept, metadata, read)
    deals = deal(kept, seed)
    scores = {part: out_of_fold(block, kept.member, deals) for part, block in blocks.items()}
    intervals = Intervals(kept, seed, resamples)
    auc = {part: intervals.auc(own) for part, own in scores.items()}
    return Blind(kept, scores, auc, unread, skipped)


def _blocks(
    clips: Clips, columns: Sequence[str], read: Sequence[tuple[Array, Array]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """``(n, d)`` of each part, none of which has seen who is a member."""
    sparse = optional("scipy.sparse", "eval", PURPOSE)
    container, sound = (np.stack([pair[i] for pair in read]) for i in (0, 1))
    known = np.concatenate([container, metadata_features(clips.utterances, columns)], axis=1)
    blocks: dict[str, Any] = {METADATA: unit_rows(known), SOUND: unit_rows(sound)}
    texts = [utterance.transcript for utterance in clips.utterances]
    try:
        blocks[TEXT] = _words(texts)
        skipped = {}
    except ValueError:  # an empty vocabulary
        skipped = {TEXT: "no word in any transcript"}
    blocks[ALL] = sparse.hstack([sparse.csr_array(block) for block in blocks.values()]).tocsr()
    return blocks, skipped


def _words(texts: Sequence[str]) -> Any:
    """TF-IDF of words and pairs of words, ``(n, vocabulary)`` sparse, rows of length 1."""
    extraction = optional("sklearn.feature_extraction.text", "eval", PURPOSE)
    made = extraction.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD)
    return made.fit_transform(texts)
