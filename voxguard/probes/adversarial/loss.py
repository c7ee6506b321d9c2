"""How unlikely a model finds a text as its answer, as a function of the samples that it hears."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxguard.arrays import Samples
from voxguard.audiollm import TransformersModel, name_of
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.probes.adversarial.features import LogMel

if TYPE_CHECKING:
    import torch

_TOLERANCE = 1e-3
_ROUNDED = 0.02  # in bfloat16, of features that are 2 at most


def log_mel_of(model: Any) -> LogMel:
    """The differentiable features of a model.

    Args:
        model: A model whose gradients can be had.

    Raises:
        ConfigurationError: It is no such model, or does not listen through Whisper's features.
    """
    if not isinstance(model, TransformersModel):
        raise ConfigurationError(
            f"adversarial audio follows gradients, which {name_of(model)} does not show; take a "
            "TransformersModel, and an endpoint only to see whether the clips carry over"
        )
    parts = vars(model.processor).values()
    extractor = next((part for part in parts if hasattr(part, "mel_filters")), None)
    if extractor is None:
        raise ConfigurationError(
            f"{model.name}: its processor ({type(model.processor).__name__}) has no mel filters, "
            "so there is no gradient from the answer to the samples"
        )
    return LogMel(extractor)


class AnswerLoss:
    """Mean cross-entropy of a text, and of ending there, as the answer about a clip.

    Args:
        model: What is asked.
        samples: ``(n,)`` at the model's rate: the clip, for its length.
        prompt: The question.
        text: The answer.

    Raises:
        ConfigurationError: The model hears through other features than Whisper's, or the text has
            no token.
        UnsupportedAudioError: The clip is longer than the model's window.
    """

    def __init__(self, model: TransformersModel, samples: Samples, prompt: str, text: str) -> None:
        self._torch = torch = optional("torch", "hub", "adversarial audio")
        self._log_mel = log_mel_of(model)
        self._model = model.model
        inputs = dict(model.inputs(samples, model.sample_rate, prompt))
        self._features = inputs.pop("input_features", None)
        self._check(samples, model.name)
        answer = self._tokens(model, text)
        self._answer = torch.tensor([answer], device=self._model.device)
        length = inputs["input_ids"].shape
        for key, value in inputs.items():
            if torch.is_tensor(value) and value.shape == length:
                fill = 1 if key == "attention_mask" else 0
                inputs[key] = torch.nn.functional.pad(value, (0, len(answer)), value=fill)
        inputs["input_ids"][:, -len(answer) :] = self._answer
        self._inputs = inputs

    def __call__(self, samples: torch.Tensor, heard: torch.Tensor | None = None) -> torch.Tensor:
        """The loss in nats a token.

        Args:
            samples: ``(n,)`` as they are given.
            heard: ``(n,)`` what an anonymizer made of them, which has no gradient: it is taken to
                change the features by a constant (BPDA).
        """
        frames = self._features.shape[-1]
        features = self._log_mel(samples, frames)
        if heard is not None:
            features = features + (self._log_mel(heard, frames) - features).detach()
        made = self._model(input_features=features.to(self._features.dtype), **self._inputs)
        count = self._answer.shape[1]
        logits = made.logits[0, -count - 1 : -1].float()
        loss: torch.Tensor = self._torch.nn.functional.cross_entropy(logits, self._answer[0])
        return loss

    def _check(self, samples: Samples, name: str) -> None:
        """Whatever the processor does besides, what it makes of the clip has to be what we make."""
        found = self._features
        if found is not None and found.ndim == 3 and len(found) == 1:
            ours = self._log_mel(self._torch.tensor(samples), found.shape[-1])
            most = _TOLERANCE if found.dtype == self._torch.float32 else _ROUNDED
            if ours.shape == found.shape and (ours - found.float().cpu()).abs().max() < most:
                return
        raise ConfigurationError(
            f"{name} hears something other than one window of Whisper's log-mel features, so there "
            "is no gradient from the answer to the samples"
        )

    def _tokens(self, model: TransformersModel, text: str) -> list[int]:
        tokenizer = getattr(model.processor, "tokenizer", model.processor)
        tokens = list(tokenizer(text, add_special_tokens=False)["input_ids"])
        if not tokens:
            raise ConfigurationError(f"an answer needs a token, got {text!r}")
        end = self._model.generation_config.eos_token_id
        ends = end if isinstance(end, list) else [end]
        return tokens + [int(end) for end in ends[:1] if end is not None]
