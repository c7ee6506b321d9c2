"""The GE2E d-vector: a small recurrent speaker encoder whose weights come with resemblyzer."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError, MissingExtraError, UnsupportedAudioError
from voxguard.models.mel import Frames, mel_power
from voxguard.models.optional import optional
from voxguard.models.silence import trim_long_silences

if TYPE_CHECKING:
    import torch

BANDS, UNITS, LAYERS, DIMENSIONS = 40, 256, 3, 256
WINDOW = 160  # frames of 10 ms
LEVEL_DBFS = -30.0

_PURPOSE = "the d-vector"
_STEP = round(16_000 / 1.3 / 160)  # 1.3 windows a second, in frames
_LEAST_COVERAGE = 0.75


class DVectorModel:
    """Three LSTM layers, a projection, ReLU, unit length; from mel frames to a speaker vector.

    Args:
        device: Where it runs, in torch's words.
        weights: State of the network; by default the weights that the package resemblyzer brings.
            The package itself is not imported.

    Raises:
        MissingExtraError: torch, or resemblyzer where its weights are to be used, is not installed.
        ConfigurationError: The weights are not those of this network.

    References:
        L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018.
        Weights: C. Jemine, github.com/resemble-ai/Resemblyzer, Apache 2.0.

    Example:
        >>> import voxguard
        >>> from voxguard.models.dvector import DVectorModel
        >>> DVectorModel().embed(voxguard.synthetic_voice(seconds=2.0)).shape
        (256,)
    """

    def __init__(
        self, *, device: str = "cpu", weights: dict[str, torch.Tensor] | None = None
    ) -> None:
        torch = optional("torch", "eval", _PURPOSE)
        self.device = device
        with torch.random.fork_rng(devices=[]):  # the random start is overwritten at once
            lstm = torch.nn.LSTM(BANDS, UNITS, LAYERS, batch_first=True)
            linear = torch.nn.Linear(UNITS, DIMENSIONS)
        self.layers: Any = torch.nn.ModuleDict({"lstm": lstm, "linear": linear})
        state = pretrained_weights() if weights is None else weights
        wanted = self.layers.state_dict()
        try:
            self.layers.load_state_dict({name: state[name] for name in wanted})
        except (KeyError, RuntimeError) as error:
            raise ConfigurationError(
                f"these are not the weights of a d-vector network ({error}); it takes "
                f"{', '.join(wanted)} for an LSTM of {LAYERS} x {UNITS} on {BANDS} bands"
            ) from error
        self.layers.to(device).eval()

    def __call__(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of a batch of windows, with gradients.

        Args:
            mels: ``(batch, frames, 40)`` float32 power.

        Returns:
            ``(batch, 256)``, not negative, of unit length.
        """
        functional = optional("torch.nn.functional", "eval", _PURPOSE)
        vectors: torch.Tensor = functional.normalize(self.project(mels).relu(), dim=1)
        return vectors

    def project(self, mels: torch.Tensor) -> torch.Tensor:
        """The same before ReLU and scaling."""
        _, (hidden, _) = self.layers["lstm"](mels)
        projected: torch.Tensor = self.layers["linear"](hidden[-1])
        return projected

    def embed(self, samples: Samples, *, trim: bool = False) -> npt.NDArray[np.float64]:
        """Vector of an utterance.

        Args:
            samples: ``(n,)`` at 16 kHz.
            trim: Whether to bring the level up and take long silences out first.

        Returns:
            ``(256,)`` float64 of unit length.

        Raises:
            UnsupportedAudioError: All samples are zero.
        """
        return self.embed_mel(utterance_mel(samples, trim=trim))

    def embed_mel(self, mel: Frames) -> npt.NDArray[np.float64]:
        """Vector of an utterance: the mean over its windows, at unit length.

        Args:
            mel: ``(frames, 40)``, from :func:`utterance_mel`.
        """
        torch = optional("torch", "eval", _PURPOSE)
        windows = np.stack([mel[start : start + WINDOW] for start in window_starts(len(mel))])
        with torch.inference_mode():
            vectors = self(torch.from_numpy(windows).to(self.device)).double().cpu().numpy()
        return np.asarray(unit(vectors.mean(axis=0)))

    def state(self) -> dict[str, torch.Tensor]:
        """A copy of the weights, on the CPU."""
        return {name: value.cpu().clone() for name, value in self.layers.state_dict().items()}


def unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scale to unit length along the last axis; a zero vector stays one.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.dvector import unit
        >>> unit(np.array([3.0, 4.0]))
        array([0.6, 0.8])
    """
    norms = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.where(norms > 0, norms, 1.0)


def pretrained_weights() -> dict[str, Any]:
    """Read the weights that lie in the folder of an installed resemblyzer, without importing it.

    Raises:
        MissingExtraError: It is not installed.
        ConfigurationError: It is, and its weights are not where they should be.

    Example:
        >>> from voxguard.models.dvector import pretrained_weights
        >>> pretrained_weights()["linear.weight"].shape
        torch.Size([256, 256])
    """
    torch = optional("torch", "eval", _PURPOSE)
    found = find_spec("resemblyzer")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("resemblyzer", "eval", _PURPOSE)
    path = Path(found.submodule_search_locations[0]) / "pretrained.pt"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    except Exception as error:  # torch has no common base for what a damaged file gives
        raise ConfigurationError(
            f"the weights of the installed resemblyzer cannot be read ({type(error).__name__}); "
            "reinstall it: pip install --force-reinstall resemblyzer"
        ) from error
    return {name: value for name, value in state.items() if name.startswith(("lstm", "linear"))}


def utterance_mel(samples: Samples, *, trim: bool = True, pad: bool = True) -> Frames:
    """Mel frames of an utterance.

    Args:
        samples: ``(n,)`` at 16 kHz.
        trim: Whether to bring the level up to -30 dBFS and take long silences out first.
        pad: Whether to add silence, as resemblyzer does, so that the last window is full.

    Returns:
        ``(frames, 40)`` float32 power.

    Raises:
        UnsupportedAudioError: All samples are zero: there is no voice to recognise.

    Example:
        >>> import voxguard
        >>> from voxguard.models.dvector import utterance_mel
        >>> utterance_mel(voxguard.synthetic_voice(seconds=0.5)).shape
        (161, 40)
    """
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    if power == 0.0:
        raise UnsupportedAudioError("digital silence: there is no voice to recognise")
    if trim:
        gain = max(1.0, 10.0 ** (LEVEL_DBFS / 20.0) / np.sqrt(power))
        samples = trim_long_silences((samples * np.float32(gain)).astype(np.float32))
    if not pad:
        return mel_power(samples, bands=BANDS)
    frames = -(-(samples.size + 1) // 160)
    end = (_starts(frames, samples.size)[-1] + WINDOW) * 160
    return mel_power(np.pad(samples, (0, max(0, end - samples.size))), bands=BANDS)


def window_starts(frames: int) -> list[int]:
    """First frames of the windows over a mel spectrogram from :func:`utterance_mel`.

    Example:
        >>> from voxguard.models.dvector import window_starts
        >>> window_starts(161), window_starts(500)
        ([0], [0, 77, 154, 231, 308])
    """
    return list(range(0, max(1, frames - WINDOW + 1), _STEP))


def _starts(frames: int, samples: int) -> list[int]:
    starts = list(range(0, max(1, frames - WINDOW + _STEP + 1), _STEP))
    if len(starts) > 1 and (samples / 160 - starts[-1]) / WINDOW < _LEAST_COVERAGE:
        del starts[-1]
    return starts
