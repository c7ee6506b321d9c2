"""Audio LLMs of Hugging Face transformers, through their own processors."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio import encode, resample
from voxguard.audiollm.model import Array, TextScores
from voxguard.errors import ConfigurationError, ModelError
from voxguard.models.hub import load_pretrained, pick_device
from voxguard.models.optional import optional

# Where audio encoders are, by the end of their name: of Qwen-Audio and -Omni, Voxtral and Audio
# Flamingo first; the other two, of Phi-4 and Granite Speech by their source, were not tried.
_ENCODERS = ("audio_tower", "audio_embed.encoder", "encoder")


class TransformersModel:
    """An audio LLM by its name on the Hugging Face hub, or a folder to which it was saved.

    The class comes from the model's configuration, the form of the request from its processor's
    chat template. Tried, on small checkpoints of random weights: Qwen2-Audio, Qwen2.5-Omni (its
    thinker), Voxtral, Audio Flamingo 3. No code from the hub is run.

    Args:
        source: Such as ``"Qwen/Qwen2-Audio-7B-Instruct"``, or a folder.
        revision: Branch, tag or commit.
        device: ``"auto"`` (a GPU if there is one), or in torch's words.
        dtype: ``"float32"``, or ``"bfloat16"``, which halves the memory.
        max_new_tokens: Longest answer.
        temperature: 0: always the likeliest token, so that answers repeat.
        seed: Of answers at a temperature above 0.
        local_files_only: Never ask the network.

    Raises:
        MissingExtraError: transformers or torch is not installed (``hub``).
        ConfigurationError: Not found, no audio LLM, or an option out of its range.

    Attributes:
        name: The source; of a folder the last two names, since results are shown to others.
        model: The model of transformers, in evaluation mode.
        processor: Its processor.
        sample_rate: Hz that it hears at; clips are resampled to it.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "float32",
        max_new_tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
        local_files_only: bool = False,
    ) -> None:
        if max_new_tokens < 1 or not temperature >= 0.0:
            raise ConfigurationError(
                "max_new_tokens= takes 1 or more and temperature= 0 or more, got "
                f"{max_new_tokens!r} and {temperature!r}"
            )
        if dtype not in ("float32", "bfloat16"):
            raise ConfigurationError(f"dtype= takes 'float32' or 'bfloat16', got {dtype!r}")
        torch = optional("torch", "hub", "an audio LLM")
        self.name = _name(source)
        where: dict[str, Any] = {"revision": revision, "local_files_only": local_files_only}
        self.processor = load_pretrained("AutoProcessor", str(source), **where)
        config = load_pretrained("AutoConfig", str(source), **where)
        self.sample_rate = _heard_at(self.processor, self.name)
        loaded = load_pretrained(
            _architecture(config, self.name), str(source), device=pick_device(device), **where
        )
        self.model = getattr(loaded, "thinker", loaded).to(getattr(torch, dtype))
        self._torch = torch
        self._max_new_tokens, self._temperature, self._seed = max_new_tokens, temperature, seed

    def __call__(self, samples: Samples | None, sample_rate: int, prompt: str) -> str:
        """Answer a question about a clip.

        Args:
            samples: ``(n,)``; None: no audio part.
            sample_rate: Hz.
            prompt: The question.

        Raises:
            ModelError: The model fails on it.
        """
        with self._failing():
            inputs = self.inputs(samples, sample_rate, prompt)
            sampled = self._temperature > 0
            how = {"do_sample": True, "temperature": self._temperature} if sampled else {}
            self._torch.manual_seed(self._seed)
            made = self.model.generate(
                **inputs, **{"do_sample": False, **how}, max_new_tokens=self._max_new_tokens
            )
            new = made[0, inputs["input_ids"].shape[1] :]
            return str(self._tokenizer.decode(new, skip_special_tokens=True)).strip()

    def score(
        self, samples: Samples | None, sample_rate: int, prompt: str, text: str
    ) -> TextScores:
        """How likely the model finds a text as the answer.

        Args:
            samples: ``(n,)``; None: no audio part.
            sample_rate: Hz.
            prompt: The question.
            text: The answer; it must have a token.

        Raises:
            ModelError: The model fails on it, or the text has no token.
        """
        torch = self._torch
        with self._failing():
            inputs = self.inputs(samples, sample_rate, prompt)
            answer = self._tokenizer(text, add_special_tokens=False, return_tensors="pt")
            ids = answer["input_ids"].to(self.model.device)
            if not ids.shape[1]:
                raise ModelError(f"a text without a token cannot be scored: {text!r}")
            logits = self.model(**_longer(inputs, ids, torch)).logits[0, -ids.shape[1] - 1 : -1]
            distribution = logits.float().log_softmax(-1)
            chosen = distribution.gather(1, ids[0, :, None])[:, 0]
            tokens = tuple(self._tokenizer.convert_ids_to_tokens(ids[0].tolist()))
            return TextScores(tokens, chosen.cpu().numpy(), distribution.cpu().numpy())

    def states(self, samples: Samples, sample_rate: int) -> Array:
        """What the audio encoder makes of a clip, without the frames that are padding.

        Args:
            samples: ``(n,)``.
            sample_rate: Hz.

        Returns:
            ``(frames, width)`` float32, the last layer of the encoder.

        Raises:
            ModelError: The model fails on it.
            ConfigurationError: Its encoder is not where those that are known have theirs.
        """
        encoder = self._encoder()
        with self._failing():
            inputs = self.inputs(samples, sample_rate, "")
            given, made = self._observed(encoder, inputs)
            states = getattr(made, "last_hidden_state", made)
            states = states[0] if isinstance(states, tuple) else states
            frames = states.reshape(-1, states.shape[-1]).float().cpu().numpy()
            if given.numel() < inputs["input_features"].numel():  # it was spared the padding
                return np.ascontiguousarray(frames)
            filled = _filled(inputs, len(samples) / sample_rate * self.sample_rate, self.processor)
            return np.ascontiguousarray(frames[: math.ceil(len(frames) * filled)])

    @cached_property
    def weights(self) -> str:
        """Digest that differs where any of the weights does, for results and records."""
        digest = hashlib.sha256()
        for name, weight in self.model.named_parameters():
            told = (
                f"{name} {tuple(weight.shape)} {float(weight.detach().double().abs().sum()):.12e}\n"
            )
            digest.update(told.encode())
        return digest.hexdigest()

    def inputs(self, samples: Samples | None, sample_rate: int, prompt: str) -> Any:
        """The request as the model's ``forward`` and ``generate`` take it.

        Args:
            samples: ``(n,)``; None: no audio part.
            sample_rate: Hz.
            prompt: The question.
        """
        parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
        if samples is not None:
            own = samples
            if sample_rate != self.sample_rate:
                own = resample(samples[None], sample_rate, self.sample_rate)[0]
            parts.insert(0, self._audio_part(own))
        made = self.processor.apply_chat_template(
            [{"role": "user", "content": parts}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        for key, value in made.items():
            if self._torch.is_tensor(value) and value.is_floating_point():
                made[key] = value.to(self.model.dtype)
        return made.to(self.model.device)

    def _observed(self, module: Any, inputs: Any) -> tuple[Any, Any]:
        """What a module is given, and what it gives, when the model runs."""
        seen: list[tuple[Any, Any]] = []

        def look(_: Any, args: Any, kwargs: Any, output: Any) -> None:
            seen.append((next(filter(self._torch.is_tensor, (*args, *kwargs.values()))), output))

        hook = module.register_forward_hook(look, with_kwargs=True)
        try:
            self.model(**inputs)
        finally:
            hook.remove()
        return seen[0]

    def _audio_part(self, samples: Samples) -> dict[str, Any]:
        if type(self.processor).__name__.startswith("Voxtral"):  # takes no arrays
            wav = encode(samples[None], self.sample_rate, "wav")
            return {"type": "audio", "base64": base64.b64encode(wav).decode("ascii")}
        return {"type": "audio", "audio": samples}

    @property
    def _tokenizer(self) -> Any:
        return getattr(self.processor, "tokenizer", self.processor)

    def _encoder(self) -> Any:
        modules = dict(self.model.named_modules())
        for ending in _ENCODERS:
            for name, module in modules.items():
                if name == ending or name.endswith("." + ending):
                    return module
        raise ConfigurationError(
            f"{self.name}: none of its modules is called {', '.join(_ENCODERS)}, so its audio "
            "encoder cannot be looked into"
        )

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            with self._torch.inference_mode():
                yield
        except (ModelError, ConfigurationError):
            raise
        except Exception as error:  # models and processors each have errors of their own
            raise ModelError(f"{self.name} fails: {type(error).__name__}: {error}") from error


def _name(source: str | Path) -> str:
    path = Path(source)
    return "/".join(path.resolve().parts[-2:]) if path.is_dir() else str(source)


def _heard_at(processor: Any, source: str) -> int:
    for part in vars(processor).values():
        rate = getattr(part, "sampling_rate", None)
        if isinstance(rate, int):
            return rate
    raise ConfigurationError(f"{source}: its processor ({type(processor).__name__}) takes no audio")


def _architecture(config: Any, source: str) -> str:
    import transformers

    names = config.architectures or []
    # The hub calls the whole of Qwen2.5-Omni by a name that is no class.
    names = [name.replace("OmniModel", "OmniForConditionalGeneration") for name in names]
    for name in names:
        if hasattr(transformers, name):
            return str(name)
    raise ConfigurationError(
        f"{source}: this version of transformers has no class {', '.join(names) or '(none named)'};"
        " no code from the hub is run"
    )


def _longer(inputs: Any, ids: Any, torch: Any) -> dict[str, Any]:
    """The request with the answer's tokens after it."""
    length = inputs["input_ids"].shape
    made = dict(inputs)
    for key, value in inputs.items():
        if torch.is_tensor(value) and value.shape == length:
            more = torch.ones_like(ids) if key == "attention_mask" else torch.zeros_like(ids)
            made[key] = torch.cat([value, more.to(value.dtype)], dim=1)
    made["input_ids"] = torch.cat([inputs["input_ids"], ids], dim=1)
    return made


def _filled(inputs: Any, samples: float, processor: Any) -> float:
    """Share of the encoder's frames that are not padding."""
    for name in ("feature_attention_mask", "input_features_mask"):
        if name in inputs:
            return float(inputs[name].float().mean())
    hop = getattr(getattr(processor, "feature_extractor", None), "hop_length", None)
    features = inputs.get("input_features")
    if hop is None or features is None:
        return 1.0
    columns = features.shape[0] * features.shape[-1]  # clips of 30 s one after the other
    return min(1.0, math.ceil(samples / int(hop)) / int(columns))
