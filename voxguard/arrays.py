"""What callers hand in, as ``(channels, n)`` float32; and the result, as what they handed in."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import NonFiniteAudioError, UnsupportedAudioError

Samples = npt.NDArray[np.float32]

MAX_CHANNELS = 64

_FULL_SCALE = {
    **{np.dtype(kind): 1.0 for kind in (np.float16, np.float32, np.float64)},
    np.dtype(np.int16): 32768.0,
    np.dtype(np.int32): 2147483648.0,
}


@dataclass(frozen=True)
class Form:
    """How the caller's samples look: library, sample type, number of axes, device.

    Example:
        >>> import numpy as np
        >>> from voxguard.arrays import Form
        >>> samples, form = Form.take(np.array([0, 16384], dtype=np.int16))
        >>> samples
        array([[0. , 0.5]], dtype=float32)
        >>> form.give(samples)
        array([    0, 16384], dtype=int16)
    """

    dtype: np.dtype[Any]
    flat: bool
    device: Any = None

    @classmethod
    def take(
        cls, samples: Any, *, allow_empty: bool = False, channels: int | None = None
    ) -> tuple[Samples, Form]:
        """Read numpy or torch samples as a new ``(channels, n)`` float32 array.

        Args:
            samples: ``(n,)`` or ``(channels, n)``; floating point (full scale 1.0), int16 or int32.
            allow_empty: Whether ``n`` may be 0.
            channels: How many there are, if that is known: then ``(2, 1)`` can be read in one way.

        Raises:
            UnsupportedAudioError: Another type or layout. ``(n, channels)`` and other shapes that
                could be read in two ways are refused, never guessed.
            NonFiniteAudioError: NaN or infinity.
        """
        device = None
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(samples, torch.Tensor):
            device = samples.device
            samples = samples.detach().cpu().numpy()
        if not isinstance(samples, np.ndarray):
            raise UnsupportedAudioError(
                f"got {type(samples).__name__}; samples are a numpy array or a torch tensor"
                " (for files there is anonymize_file)"
            )
        dtype = samples.dtype.newbyteorder("=")
        if dtype not in _FULL_SCALE:
            accepted = ", ".join(known.name for known in _FULL_SCALE)
            raise UnsupportedAudioError(
                f"got samples of type {dtype.name}; accepted are {accepted}"
            )
        _check_shape(samples.shape, allow_empty, channels)
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused
            taken = np.array(np.atleast_2d(samples), dtype=np.float32, order="C")
        taken /= np.float32(_FULL_SCALE[dtype])
        check_finite(taken)
        return taken, cls(dtype, samples.ndim == 1, device)

    def give(self, channels: Samples) -> Any:
        """Turn ``(channels, n)`` float32 into the caller's form; integers are rounded, clipped."""
        if self.dtype.kind == "f":
            result = channels.astype(self.dtype)
        else:
            scale = _FULL_SCALE[self.dtype]
            scaled = np.rint(channels.astype(np.float64) * scale)
            result = np.clip(scaled, -scale, scale - 1).astype(self.dtype)
        if self.flat:
            result = result[0]
        if self.device is not None:
            return sys.modules["torch"].from_numpy(result).to(self.device)
        return result


def check_finite(samples: npt.NDArray[Any]) -> None:
    """Refuse NaN and infinity.

    Raises:
        NonFiniteAudioError: With how many there are, and where the first one is.
    """
    finite = np.isfinite(samples)
    if finite.all():
        return
    bad = ~finite
    first = int(np.argmax(bad.any(axis=0) if bad.ndim > 1 else bad))
    raise NonFiniteAudioError(
        f"{int(bad.sum())} of {samples.size} samples are NaN or infinite (the first at index "
        f"{first}); repair or drop the recording"
    )


def fit(samples: Samples, length: int) -> Samples:
    """Cut or zero-pad ``(channels, n)`` to ``length``, after resampling there and back."""
    missing = length - samples.shape[1]
    return np.pad(samples, ((0, 0), (0, missing))) if missing > 0 else samples[:, :length]


def _check_shape(shape: tuple[int, ...], allow_empty: bool, channels: int | None) -> None:
    accepted = "accepted are (n,) and (channels, n)"
    if len(shape) not in (1, 2):
        raise UnsupportedAudioError(f"got samples of shape {shape}; {accepted}")
    if shape[-1] == 0 and not allow_empty:
        raise UnsupportedAudioError(f"got samples of shape {shape}: there is nothing in it")
    if len(shape) == 2 and not 1 <= shape[0] <= MAX_CHANNELS:
        hint = "; transpose it if it is (n, channels)" if 0 < shape[1] <= MAX_CHANNELS else ""
        raise UnsupportedAudioError(
            f"got samples of shape {shape}; {accepted} with 1 to {MAX_CHANNELS} channels{hint}"
        )
    if len(shape) == 2 and shape[0] > 1 and 0 < shape[1] <= shape[0] != channels:
        raise UnsupportedAudioError(
            f"got samples of shape {shape}, which could be (channels, n) or (n, channels); "
            "transpose it if it is the latter, or pass a single channel as (n,)"
        )
