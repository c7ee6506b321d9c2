"""The converter's network in numpy: a processor needs nothing more to be fast.

The same function of the same weights as :mod:`voxguard.models.network`, by which it is trained.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.dsp.envelope import BANDS
from voxguard.errors import ConfigurationError
from voxguard.models.dvector import DIMENSIONS
from voxguard.models.shipped import Weights

Floats = npt.NDArray[np.float32]

STRIDE = 2  # frames of 10 ms in a code

_EPSILON = np.float32(1e-5)
_FILM_GAIN = np.float32(16.0)  # the speaker vector at unit variance


class NumpyNetwork:
    """Weights of a :class:`~voxguard.models.network.Network`; holds no signal.

    Args:
        weights: From the training recipe.

    Raises:
        ConfigurationError: They are of another network.
    """

    def __init__(self, weights: Weights) -> None:
        self.sha256 = weights.sha256
        try:
            shape: dict[str, Any] = weights.metadata["shape"]
            self.population: dict[str, list[float]] = weights.metadata["population"]
            arrays = {k: v.astype(np.float32) for k, v in weights.arrays.items()}
            self.causal = bool(shape["causal"])
            self.encoder = [Layer(arrays, f"encoder.blocks.{k}", d) for k, d in _each(shape, "en")]
            self.decoder = [Layer(arrays, f"decoder.blocks.{k}", d) for k, d in _each(shape, "de")]
            self.enter = [_taps(arrays, f"{part}.enter") for part in ("encoder", "decoder")]
            self.leave = [_mix(arrays, f"{part}.leave") for part in ("encoder", "decoder")]
            count = len(shape["codebooks"])
            self.books = [arrays.pop(f"quantizer.codebook{k}") for k in range(count)]
            self.level = arrays.pop("decoder.level.weight")
            self._speaker = _mix(arrays, "decoder.speaker")
            self._film = _mix(arrays, "decoder.film")
            self._norms = [np.square(book).sum(axis=1) for book in self.books]
            self._try(arrays)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConfigurationError(
                "these are not weights of voxguard's converter; it takes what "
                f"recipes/train_voice_conversion exports ({type(error).__name__})"
            ) from error

    def _try(self, left: dict[str, Floats]) -> None:
        """Say something, and break here if anything does not fit or was left."""
        level, mean, spread = (np.array(self.population[k]) for k in ("level", "mean", "spread"))
        said = self.convert(
            np.zeros((2, BANDS), np.float32),
            np.zeros((2, 3), np.float32),
            np.zeros(DIMENSIONS, np.float32),
            1,
        )
        shapes = [x.shape for x in (level, mean, spread, said, self.level[:, 0])]
        if left or shapes != [(1,), (BANDS,), (BANDS,), (2, BANDS + 1), (len(self.books) + 1,)]:
            raise ValueError(shapes)

    @property
    def context(self) -> int:
        """Frames on each side of a frame that are heard, or before it by a causal network."""
        codes = 2 + sum(layer.dilation for layer in (*self.encoder, *self.decoder))
        return 2 * codes * (2 if self.causal else 1)

    def convert(self, mel: Floats, pitch: Floats, vector: Floats, levels: int | None) -> Floats:
        """A whole recording.

        Args:
            mel: ``(2 k, bands)`` normalised envelope.
            pitch: ``(2 k, 3)``.
            vector: ``(256,)`` of the voice.
            levels: Levels of the quantiser that pass; None for no quantiser.

        Returns:
            ``(2 k, bands + 1)``: envelope and aperiodicity.

        Raises:
            ConfigurationError: The quantiser has fewer levels.
        """
        return self.said(self.quantised(self.content(mel), levels), pitch, vector, levels)

    def said(self, content: Floats, pitch: Floats, vector: Floats, levels: int | None) -> Floats:
        """The decoder's part of :meth:`convert`, of content ``(k, dims)`` as it passed."""
        pairs = len(content)
        x = self._entered(1, np.concatenate([content, pitch.reshape(pairs, -1)], axis=1))
        x = x + self.level_of(levels)
        for layer, (gain, bias) in zip(self.decoder, self.films(vector), strict=True):
            heard = unit_power(x) * (layer.scale * gain) + bias
            x = x + layer.whole(heard, bias, causal=self.causal)
        return times(self.leave[1], silu(x)).reshape(2 * pairs, -1)

    def content(self, mel: Floats) -> Floats:
        """What the quantiser gets of ``(2 k, bands)``: ``(k, dims)``, each 20 ms."""
        return unit_power(times(self.leave[0], silu(self.hidden(mel))))

    def hidden(self, mel: Floats) -> Floats:
        """What the encoder's last block gives of ``(2 k, bands)``: ``(k, width)``, each 20 ms."""
        x = self._entered(0, mel.reshape(len(mel) // 2, -1))
        for layer in self.encoder:
            x = x + layer.whole(unit_power(x) * layer.scale, 0.0, causal=self.causal)
        return x

    def films(self, vector: Floats) -> list[tuple[Floats, Floats]]:
        """Gain and bias of each block of the decoder for a voice."""
        hidden = silu(times(self._speaker, vector * _FILM_GAIN))
        codes = times(self._film, hidden).reshape(len(self.decoder), 2, -1)
        return [(1.0 + gain, bias) for gain, bias in codes]

    def level_of(self, levels: int | None) -> Floats:
        """What tells the decoder how much has passed."""
        most = len(self.books)
        if levels is not None and levels > most:
            raise ConfigurationError(f"these weights have {most} levels, got levels={levels}")
        found: Floats = self.level[most if levels is None else levels - 1]
        return found

    def quantised(self, content: Floats, levels: int | None) -> Floats:
        """Content ``(..., dims)`` through so many levels of the quantiser."""
        if levels is None:
            return content
        rest = content
        for book, norms in zip(self.books[:levels], self._norms, strict=False):
            rest = rest - book[np.argmin(norms - 2.0 * (rest @ book.T), axis=-1)]
        return content - rest

    def _entered(self, part: int, x: Floats) -> Floats:
        return times(self.enter[part], _neighbours(x, 1, 0.0, causal=self.causal))


class Layer:
    """A residual block's branch, after its normalisation.

    Attributes:
        scale: ``(width,)``, of what is heard.
        taps: Matrix ``(width, 3 width)``, oldest tap first, and bias.
        mix: Matrix ``(width, width)`` and bias.
    """

    def __init__(self, arrays: dict[str, Floats], name: str, dilation: int) -> None:
        self.scale = arrays.pop(f"{name}.scale")
        self.width, self.reach, self.dilation = len(self.scale), 2 * dilation, dilation
        self.taps, self.mix = _taps(arrays, f"{name}.taps"), _mix(arrays, f"{name}.mix")

    def whole(self, heard: Floats, outside: Floats | float, *, causal: bool) -> Floats:
        """All codes, ``(k, width)``; ``outside`` is what lies before and after them."""
        return self.mixed(_neighbours(silu(heard), self.dilation, silu(outside), causal=causal))

    def mixed(self, taps: Floats) -> Floats:
        """Three codes side by side, ``(..., 3 width)``."""
        return times(self.mix, silu(times(self.taps, taps)))


def times(layer: tuple[Floats, Floats], x: Floats) -> Floats:
    """A linear layer on ``(..., in)``."""
    matrix, bias = layer
    out: Floats = x @ matrix.T
    out += bias
    return out


def silu(x: Floats | float) -> Floats:
    """X times its logistic function."""
    half = np.float32(0.5) * x
    out: Floats = np.tanh(half)  # overflows nowhere
    out *= half
    out += half
    return out


def unit_power(x: Floats) -> Floats:
    """At a mean square of one along the last axis."""
    power = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    out: Floats = x / np.sqrt(power + _EPSILON)
    return out


def _neighbours(x: Floats, dilation: int, outside: Floats | float, *, causal: bool) -> Floats:
    """Each code with the one before and the one after it, or with the two before it."""
    before, after = (2 * dilation, 0) if causal else (dilation, dilation)
    edge = np.broadcast_to(np.float32(outside), (1, x.shape[1]))
    padded = np.concatenate([edge.repeat(before, axis=0), x, edge.repeat(after, axis=0)])
    count = len(x)
    return np.concatenate([padded[k * dilation :][:count] for k in range(3)], axis=1)


def _each(shape: dict[str, Any], part: str) -> list[tuple[int, int]]:
    return list(enumerate(shape[f"{part}coder"]))


def _taps(arrays: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    """A convolution of three taps as one matrix, ``(out, 3 in)``, oldest tap first."""
    weight = arrays.pop(f"{name}.weight").transpose(0, 2, 1)
    return np.ascontiguousarray(weight.reshape(len(weight), -1)), arrays.pop(f"{name}.bias")


def _mix(arrays: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    weight = arrays.pop(f"{name}.weight")
    return np.ascontiguousarray(weight.reshape(len(weight), -1)), arrays.pop(f"{name}.bias")
