"""What a model update tells about the person on whose speech it was computed.

Who sees updates: a server that is curious, unless they are summed by secure aggregation; and of a
sum, whoever knows all its parts but one. To such an attacker an update is a vector like any other
that an encoder makes of an utterance, and the attackers are the same: one infers an attribute, one
links two updates of one client. :mod:`~voxguard.attacks.update_inversion` computes back to the
data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.attacks.attribute_results import AttributeResult
from voxguard.attacks.attributes import infer_attribute
from voxguard.attacks.backends.moments import (
    Vectors,
    inverse_root,
    shrink,
    unit_rows,
    within_covariance,
)
from voxguard.errors import ConfigurationError
from voxguard.metrics import Interval, bootstrap_speakers, eer

__all__ = ["UpdateLink", "flatten_update", "infer_from_updates", "link_updates"]

DIMENSIONS = 512
_SHRINKAGE = 0.5


def flatten_update(
    update: Mapping[str, npt.ArrayLike] | Sequence[npt.ArrayLike],
) -> npt.NDArray[np.float64]:
    """One vector of all floating-point arrays of an update, in their order.

    Args:
        update: New parameters minus old, by name or in order; any shapes. Arrays of integers, such
            as a count of batches, are left out.

    Returns:
        ``(d,)`` float64.

    Raises:
        ConfigurationError: No floating-point array, or NaN or infinity in one.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.updates import flatten_update
        >>> flatten_update({"weight": np.ones((2, 3)), "bias": np.zeros(2), "batches": np.array(7)})
        array([1., 1., 1., 1., 1., 1., 0., 0.])
    """
    arrays = [np.asarray(a) for a in (update.values() if isinstance(update, Mapping) else update)]
    floats = [array.astype(np.float64).ravel() for array in arrays if array.dtype.kind == "f"]
    if not floats:
        raise ConfigurationError(
            f"an update has one floating-point array or more, got {len(arrays)} arrays of other "
            "types; give new parameters minus old"
        )
    flat = np.concatenate(floats)
    if not np.isfinite(flat).all():
        raise ConfigurationError("an update with NaN or infinity cannot be attacked; leave it out")
    return flat


def infer_from_updates(
    updates: npt.ArrayLike,
    labels: Sequence[str],
    clients: Sequence[str],
    *,
    shadow: npt.ArrayLike | None = None,
    attribute: str = "attribute",
    dimensions: int = DIMENSIONS,
    folds: int = 5,
    resamples: int = 1000,
    seed: int = 0,
) -> AttributeResult:
    """Infer an attribute of clients from their updates.

    The attacker computes updates of shadow clients, whose attribute he knows, and trains
    classifiers on them; see :func:`~voxguard.attacks.attributes.infer_attribute`. Here the clients
    are each other's shadows, by folds: nobody is attacked by a classifier that knows one of their
    own updates.

    Args:
        updates: ``(n, d)`` what is attacked; see :func:`flatten_update`.
        labels: ``(n,)`` class of the client of each update; ``""`` where it is not known.
        clients: ``(n,)`` client of each update.
        shadow: ``(n, d)`` updates of the same clients to train on instead, say without the noise;
            by default the attacker trains on what he attacks, which is the stronger.
        attribute: What it is, for the result.
        dimensions: Longer updates are brought to so many by a random projection.
        folds: How many at most.
        resamples: Of the bootstrap over clients.
        seed: Of the projection, the folds and the bootstrap.

    Returns:
        Its ``balanced_accuracy`` holds the interval, its ``blind`` what guessing scores. **Lower is
        more private.**

    Raises:
        ConfigurationError: As for :func:`~voxguard.attacks.attributes.infer_attribute`.
        MissingExtraError: scikit-learn is not installed.

    References:
        T. Feng et al., "Attribute inference attack of speech emotion recognition in federated
        learning settings", arXiv 2112.13416.

    Example:
        Updates that point where the attribute says, and the same with noise:

        >>> import numpy as np
        >>> from voxguard.attacks.updates import infer_from_updates
        >>> rng = np.random.default_rng(0)
        >>> sexes = ["FM"[k % 2] for k in range(60)]
        >>> clients = [f"client {k}" for k in range(60)]
        >>> signs = np.array([1.0 if sex == "F" else -1.0 for sex in sexes])
        >>> updates = signs[:, None] + 0.1 * rng.normal(size=(60, 9))
        >>> infer_from_updates(updates, sexes, clients).balanced_accuracy.value
        1.0
        >>> noisy = updates + 30.0 * rng.normal(size=(60, 9))
        >>> 0.3 < infer_from_updates(noisy, sexes, clients).balanced_accuracy.value < 0.7
        True
    """
    attacked = _rows(updates, "updates")
    known = None if shadow is None else _rows(shadow, "shadow updates")
    if known is not None and known.shape != attacked.shape:
        raise ConfigurationError(
            f"shadow updates are those of the same clients, got {known.shape} for {attacked.shape}"
        )
    # A common scale, which a classifier with a fixed penalty needs, is none of the secret.
    scale = float(np.sqrt(np.mean((attacked if known is None else known) ** 2))) or 1.0
    projection = _projection(attacked.shape[1], dimensions, seed)
    results = infer_attribute(
        labels,
        clients,
        original=(attacked if known is None else known) / scale @ projection,
        anonymized=None if known is None else attacked / scale @ projection,
        attribute=attribute,
        knowledge=("unprotected",) if known is None else ("ignorant",),
        folds=folds,
        resamples=resamples,
        seed=seed,
    )
    return results[0]


@dataclass(frozen=True)
class UpdateLink:
    """How well two updates of one client are recognised as such.

    Attributes:
        eer: Equal error rate, bootstrapped over clients; **higher is more private**, 0.5 is chance.
        first_choice: Share of the second updates whose client's first is the nearest of all that
            it is compared with.
        chance: What guessing scores in ``first_choice``.
        clients: How many clients have an update on both sides.
    """

    eer: Interval
    first_choice: float
    chance: float
    clients: int


def link_updates(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    first_clients: Sequence[str],
    second_clients: Sequence[str],
    *,
    groups: Mapping[str, str] | None = None,
    trained: bool = False,
    resamples: int = 1000,
    seed: int = 0,
) -> UpdateLink:
    """Link updates of two rounds, or of two sets of utterances, by their cosine.

    What all updates of a side have in common, as those of one round do, is taken out first.

    Args:
        first: ``(n, d)`` updates whose clients the attacker knows.
        second: ``(m, d)`` updates whose clients he looks for.
        first_clients: ``(n,)`` client of each.
        second_clients: ``(m,)`` client of each.
        groups: Client to group, say a sex: only clients of one group are then compared, so what
            links the updates is not what the group has in common.
        trained: The attacker learns from the updates of half of the clients in which directions
            those of one client differ, and counts these less, when he attacks the other half; and
            the same with the halves exchanged.
        resamples: Of the bootstrap over clients.
        seed: Of the halves and the bootstrap.

    Raises:
        ConfigurationError: Sizes that do not match, or fewer than two clients with an update on
            both sides (four, if ``trained``) who can be compared with another.

    References:
        N. Tomashenko et al., "Privacy attacks for automatic speech recognition acoustic models in
        a federated learning framework", ICASSP 2022, arXiv 2111.03777.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.updates import link_updates
        >>> rng = np.random.default_rng(0)
        >>> clients = [f"client {k}" for k in range(40)]
        >>> own = rng.normal(size=(40, 30))
        >>> rounds = [own + 0.3 * rng.normal(size=own.shape) for _ in range(2)]
        >>> link_updates(*rounds, clients, clients).eer.value
        0.0
        >>> drowned = [own + 30.0 * rng.normal(size=own.shape) for _ in range(2)]
        >>> link_updates(*drowned, clients, clients).eer.value > 0.35
        True
    """
    one, other = _rows(first, "first updates"), _rows(second, "second updates")
    if one.shape[1] != other.shape[1] or (len(one), len(other)) != (
        len(first_clients),
        len(second_clients),
    ):
        raise ConfigurationError(
            "both sides take updates of one length and a client for each, got shapes "
            f"{one.shape} and {other.shape} with {len(first_clients)} and {len(second_clients)} "
            "clients"
        )
    both = sorted(set(first_clients) & set(second_clients))
    if len(both) < (4 if trained else 2):
        raise ConfigurationError(
            f"linking needs {4 if trained else 2} clients with an update on both sides, "
            f"got {len(both)}"
        )
    known, sought = np.asarray(first_clients, str), np.asarray(second_clients, str)
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    allowed = np.ones((len(one), len(other)), dtype=np.bool_)
    if groups is not None:
        missing = sorted({*first_clients, *second_clients} - set(groups))
        if missing:
            raise ConfigurationError(f"groups= lacks the client {missing[0]!r}; give each a group")
        allowed &= np.equal.outer([groups[c] for c in known], [groups[c] for c in sought])
    if trained:
        halves = dict(
            zip(both, np.random.default_rng(seed).permutation(len(both)) % 2, strict=True)
        )
        scores, within = _scores_of_halves(one, other, known, sought, halves)
        allowed &= within
    else:
        scores = unit_rows(one) @ unit_rows(other).T
    mated = np.equal.outer(known, sought)
    asked = (mated & allowed).any(axis=0) & (~mated & allowed).any(axis=0)
    if not asked.any():
        raise ConfigurationError("no client can be compared with another of its group")
    nearest = np.argmax(np.where(allowed, scores, -np.inf), axis=0)
    found = mated[nearest, np.arange(len(other))]
    likely = (mated & allowed).sum(axis=0)[asked] / allowed.sum(axis=0)[asked]
    return UpdateLink(
        eer=bootstrap_speakers(
            eer,
            scores,
            first_clients,
            second_clients,
            allowed=allowed,
            seed=seed,
            resamples=resamples,
        ),
        first_choice=float(found[asked].mean()),
        chance=float(likely.mean()),
        clients=len(both),
    )


def _scores_of_halves(
    one: Vectors,
    other: Vectors,
    known: npt.NDArray[np.str_],
    sought: npt.NDArray[np.str_],
    halves: Mapping[str, int],
) -> tuple[Vectors, npt.NDArray[np.bool_]]:
    """Cosines of whitened updates, and which pairs have one: those within a half."""
    rows, columns = (np.array([halves.get(c, -1) for c in names]) for names in (known, sought))
    scores = np.zeros((len(one), len(other)))
    for half in (0, 1):
        learn = rows == 1 - half, columns == 1 - half
        clients = np.concatenate([known[learn[0]], sought[learn[1]]])
        labels = np.unique(clients, return_inverse=True)[1]
        both = np.concatenate([one[learn[0]], other[learn[1]]])
        whitening = inverse_root(shrink(within_covariance(both, labels), _SHRINKAGE))
        left, right = one[rows == half] @ whitening, other[columns == half] @ whitening
        scores[np.ix_(rows == half, columns == half)] = unit_rows(left) @ unit_rows(right).T
    within: npt.NDArray[np.bool_] = np.equal.outer(rows, columns) & (rows >= 0)[:, None]
    return scores, within


def _rows(updates: npt.ArrayLike, what: str) -> Vectors:
    rows = np.asarray(updates, np.float64)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise ConfigurationError(
            f"{what} are finite numbers of shape (updates, parameters), got {rows.shape}; "
            "flatten_update makes a row of one"
        )
    return rows


def _projection(length: int, dimensions: int, seed: int) -> Vectors:
    """Onto fewer dimensions at random, which keeps angles and distances about as they are."""
    if dimensions < 1:
        raise ConfigurationError(f"dimensions= takes 1 or more, got {dimensions}")
    if length <= dimensions:
        return np.eye(length)
    normal = np.random.default_rng(seed).normal(size=(length, dimensions))
    return np.asarray(normal / np.sqrt(dimensions))
