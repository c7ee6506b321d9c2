"""PyTorch: a module that anonymizes batches of waveforms, in training and in evaluation alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from voxguard.anonymizers.base import Anonymizer, create
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.models.optional import optional

if TYPE_CHECKING:
    import torch
else:
    torch = optional("torch", "torch", "the PyTorch module")

__all__ = ["Anonymize"]


class Anonymize(torch.nn.Module):
    """Anonymizes waveforms; ``train()`` and ``eval()`` make no difference, and it has no weights.

    It is no augmentation: it is never skipped, and an item that fails raises. It is not
    differentiable.

    Args:
        anonymizer: Does the work; by default ``voxguard.create()``. Works on the CPU whatever the
            device of the waveforms.
        sample_rate: Hz, of the waveforms.

    Example:
        >>> import torch, voxguard
        >>> from voxguard.integrations.torch import Anonymize
        >>> module = Anonymize(voxguard.McAdams(), sample_rate=16_000)
        >>> batch = torch.from_numpy(voxguard.synthetic_voice(seconds=0.5)).repeat(2, 1)
        >>> module(batch).shape
        torch.Size([2, 8000])
    """

    def __init__(self, anonymizer: Anonymizer | None = None, *, sample_rate: int = 16_000) -> None:
        super().__init__()
        self.anonymizer = anonymizer or create()
        self.sample_rate = sample_rate

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(
        self,
        waveform: torch.Tensor,
        sample_rate: int | None = None,
        *,
        speakers: Sequence[str | None] | None = None,
    ) -> torch.Tensor:
        """Anonymize each item of a batch in a pseudo-voice of its own.

        Args:
            waveform: ``(time,)``, ``(batch, time)`` or ``(batch, channels, time)``; float (full
                scale 1.0), int16 or int32. Not changed.
            sample_rate: Hz, where it is another than the module's.
            speakers: Who speaks in each item; the same speaker keeps one pseudo-voice.

        Returns:
            A tensor of the same shape, type and device, without a gradient.

        Raises:
            ConfigurationError: A gradient is asked for, or there are not as many speakers as items.
            UnsupportedAudioError: Another shape or type.
            VoxguardError: An item cannot be anonymized; then none is given.
        """
        if waveform.requires_grad and torch.is_grad_enabled():
            raise ConfigurationError(
                "anonymization is not differentiable and would cut the gradient; pass "
                "waveform.detach(), or call it under torch.no_grad()"
            )
        if waveform.ndim not in (1, 2, 3):
            raise UnsupportedAudioError(
                "takes (time,), (batch, time) or (batch, channels, time), got "
                f"{waveform.ndim} dimensions"
            )
        items = waveform.detach() if waveform.ndim > 1 else waveform.detach()[None]
        if items.dtype in (torch.float16, torch.bfloat16):
            items = items.float()
        who = [None] * len(items) if speakers is None else list(speakers)
        if isinstance(speakers, str) or len(who) != len(items):
            raise ConfigurationError(f"speakers takes one name for each of {len(items)} items")
        rate = sample_rate if sample_rate is not None else self.sample_rate
        made = [
            self.anonymizer(item, rate, speaker=speaker)
            for item, speaker in zip(items, who, strict=True)
        ]
        out = torch.stack(made) if made else items.clone()
        return out.reshape(waveform.shape).to(waveform)

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        return f"{self.anonymizer!r}, sample_rate={self.sample_rate}"
