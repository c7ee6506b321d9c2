"""The loss by which speaker encoders are trained: classification with a margin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from voxguard.models.optional import optional

if TYPE_CHECKING:
    import torch


def margin_loss(
    vectors: torch.Tensor,
    weights: torch.Tensor,
    labels: torch.Tensor,
    *,
    margin: float = 0.2,
    scale: float = 30.0,
    angular: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Softmax over cosines, that of the right speaker made harder by a margin.

    Args:
        vectors: ``(batch, d)``, of any length.
        weights: ``(speakers, d)``, one direction a speaker, of any length.
        labels: ``(batch,)``, right speaker of each vector.
        margin: Taken off the cosine, or added to the angle in radians.
        scale: What cosines are multiplied with before the softmax.
        angular: Whether the margin goes onto the angle (AAM, ArcFace) or off the cosine (AM,
            CosFace). Beyond 180 degrees the former goes on as the latter, as SpeechBrain has it.

    Returns:
        The mean loss, and the cosines ``(batch, speakers)`` without margin.

    References:
        F. Wang et al., "Additive margin softmax for face verification", 2018.
        J. Deng et al., "ArcFace: additive angular margin loss", CVPR 2019.

    Example:
        >>> import torch
        >>> from voxguard.models.margin import margin_loss
        >>> right, wrong = torch.tensor([0, 1]), torch.tensor([1, 0])
        >>> easy, _ = margin_loss(torch.eye(2), torch.eye(2), right)
        >>> hard, _ = margin_loss(torch.eye(2), torch.eye(2), wrong)
        >>> bool(easy < 1e-6 < hard)
        True
    """
    functional = optional("torch.nn.functional", "eval", "training")
    cosines: torch.Tensor = functional.normalize(vectors, dim=1) @ functional.normalize(
        weights, dim=1
    ).T.to(vectors.dtype)
    own = cosines.gather(1, labels[:, None])
    if angular:
        sines = (1.0 - own**2).clamp_min(1e-9).sqrt()
        harder = own * math.cos(margin) - sines * math.sin(margin)
        beyond = own <= math.cos(math.pi - margin)
        harder = harder.where(~beyond, own - margin * math.sin(margin))
    else:
        harder = own - margin
    logits = scale * cosines.scatter(1, labels[:, None], harder)
    loss: torch.Tensor = functional.cross_entropy(logits, labels)
    return loss, cosines
