"""Pretrained models by name: from a hub, or from a folder that was saved before."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

if TYPE_CHECKING:
    import torch

P = ParamSpec("P")
T = TypeVar("T")

_LOADING = RLock()
_KEPT = 2


def load_once(load: Callable[P, T]) -> Callable[P, T]:
    """Keep what a function has loaded, so that anonymizers of a process share it.

    The arguments have to be hashable. The last two results are kept. Threads take turns, since
    transformers changes global settings while it loads; errors are not kept.

    Example:
        >>> from voxguard.models.hub import load_once
        >>> @load_once
        ... def load(name):
        ...     return [name]
        >>> load("a") is load("a")
        True
    """
    kept = lru_cache(maxsize=_KEPT)(load)

    @wraps(load)
    def loaded(*args: P.args, **kwargs: P.kwargs) -> T:
        with _LOADING:
            return kept(*args, **kwargs)  # type: ignore[arg-type]

    return loaded


def pick_device(device: str) -> str:
    """The device that ``"auto"`` stands for: the first CUDA device if there is one, else the CPU.

    Args:
        device: ``"auto"``, or a name in torch's words.

    Raises:
        MissingExtraError: torch is not installed (``hub``).
        ConfigurationError: No such device.

    Example:
        >>> from voxguard.models.hub import pick_device
        >>> pick_device("cpu")
        'cpu'
    """
    torch = optional("torch", "hub", "a pretrained model")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except Exception as error:  # RuntimeError, AssertionError, NotImplementedError ...
        raise ConfigurationError(
            f"device= takes 'auto', or a device of this machine as torch names it; got {device!r}"
        ) from error
    return device


def load_pretrained(
    class_name: str,
    source: str,
    *,
    revision: str | None = None,
    device: str = "cpu",
    local_files_only: bool = False,
) -> Any:
    """Load a model, or what prepares its input, as a class of transformers.

    Args:
        class_name: Such as ``"WavLMModel"`` or ``"SpeechT5FeatureExtractor"``.
        source: Name on the Hugging Face hub, or a folder to which it was saved.
        revision: Branch, tag or commit on the hub.
        device: Where a model runs, in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.

    Returns:
        The model, in evaluation mode and float32, or the feature extractor.

    Raises:
        MissingExtraError: transformers is not installed (``hub``).
        ConfigurationError: Not found, not to be reached, not of that class, or weights are missing
            (transformers would make them up).
    """
    transformers = _transformers(f"a {class_name}")
    cls = getattr(transformers, class_name)
    where = {"revision": revision, "local_files_only": local_files_only}
    try:
        if not issubclass(cls, transformers.PreTrainedModel):
            return cls.from_pretrained(source, **where)
        with _no_bar_in_logs(transformers):
            model, report = cls.from_pretrained(source, **where, output_loading_info=True)
        model = model.float().to(device).eval()
    except Exception as error:  # hub, network and model each have errors of their own
        raise _unusable(source, class_name, error, local_files_only) from error
    learnt = {name for name, weight in model.named_parameters() if weight.requires_grad}
    if missing := sorted(learnt.intersection(report["missing_keys"])):
        raise ConfigurationError(
            f"{source!r} is no {class_name}: it has no weights for {missing[0]} and "
            f"{len(missing) - 1} more"
        )
    return model


def find_file(
    source: str, names: tuple[str, ...], *, revision: str | None, local_files_only: bool
) -> Path:
    """The first of some files that a folder, or a repository on the Hugging Face hub, has.

    Args:
        source: A folder, or a name on the hub.
        names: Of the files, the preferred one first.
        revision: Branch, tag or commit on the hub.
        local_files_only: Never ask the network; what has been fetched before is found.

    Raises:
        MissingExtraError: huggingface_hub, which transformers brings, is not installed (``hub``).
        ConfigurationError: There is none, or the hub cannot be reached.
    """
    folder = Path(source)
    if folder.is_dir():
        found = [folder / name for name in names if (folder / name).is_file()]
        if not found:
            raise ConfigurationError(f"{source!r} holds none of {', '.join(names)}")
        return found[0]
    _transformers("a file from the hub")
    hub = optional("huggingface_hub", "hub", "a file from the hub")
    where = {"revision": revision, "local_files_only": local_files_only}
    for name in names:
        try:
            return Path(hub.hf_hub_download(source, name, **where))
        except Exception as error:  # not there, no such name, no network, no permission ...
            unreachable = isinstance(error, hub.utils.LocalEntryNotFoundError)
            absent = isinstance(error, hub.utils.EntryNotFoundError)
            try_next = absent and (local_files_only or not unreachable)
            if not try_next or name == names[-1]:
                kind = f"repository with {' or '.join(names)}"
                raise _unusable(source, kind, error, local_files_only) from error
    raise ConfigurationError("find_file takes at least one name")


def load_speechbrain(
    source: str, *, revision: str | None = None, device: str = "cpu", local_files_only: bool = False
) -> Any:
    """Load a speaker encoder of SpeechBrain.

    Args:
        source: Name on the Hugging Face hub, such as ``"speechbrain/spkrec-ecapa-voxceleb"``, or a
            folder with ``hyperparams.yaml``. That file says which code is run: take it from people
            you trust.
        revision: Branch, tag or commit on the hub.
        device: Where it runs, in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.

    Returns:
        A ``speechbrain.inference.EncoderClassifier``.

    Raises:
        MissingExtraError: speechbrain is not installed (``train``).
        ConfigurationError: Not found, not to be reached, or not a speaker encoder.
    """
    purpose = "a SpeechBrain encoder"
    classifiers = optional("speechbrain.inference.classifiers", "train", purpose)
    fetching = optional("speechbrain.utils.fetching", "train", purpose)
    fetch = fetching.FetchConfig(revision=revision, allow_network=not local_files_only)
    try:
        return classifiers.EncoderClassifier.from_hparams(
            source=source,
            fetch_config=fetch,
            local_strategy=fetching.LocalStrategy.NO_LINK,
            run_opts={"device": device},
        )
    except Exception as error:  # hub, YAML, pickle and network each have errors of their own
        raise _unusable(source, "SpeechBrain speaker encoder", error, local_files_only) from error


def load_transformers(
    source: str, *, revision: str | None = None, device: str = "cpu", local_files_only: bool = False
) -> tuple[Any, Any]:
    """Load an audio model of transformers with what prepares its input.

    Args:
        source: Name on the Hugging Face hub, such as ``"microsoft/wavlm-base-plus-sv"``, or a
            folder to which a model and its feature extractor were saved.
        revision: Branch, tag or commit on the hub.
        device: Where it runs, in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.

    Returns:
        The model, with an x-vector head if the checkpoint has one, and the feature extractor.

    Raises:
        MissingExtraError: transformers is not installed (``hub``).
        ConfigurationError: Not found, not to be reached, no audio model, or weights are missing.
    """
    transformers = _transformers("a transformers encoder")
    where = {"revision": revision, "local_files_only": local_files_only}
    kind = "transformers audio model"
    try:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(source, **where)
        config = transformers.AutoConfig.from_pretrained(source, **where)
        heads = config.architectures or []
        automatic = (
            transformers.AutoModelForAudioXVector
            if any(head.endswith("ForXVector") for head in heads)
            else transformers.AutoModel
        )
        model, report = automatic.from_pretrained(source, **where, output_loading_info=True)
    except Exception as error:  # hub, network and model each have errors of their own
        raise _unusable(source, kind, error, local_files_only) from error
    if model.main_input_name not in ("input_values", "input_features"):
        raise ConfigurationError(
            f"{source!r} is no {kind}: it takes {model.main_input_name}, not audio"
        )
    if getattr(config, "is_encoder_decoder", False):
        model = model.get_encoder()
    if missing := sorted(report["missing_keys"]):
        raise ConfigurationError(
            f"{source!r} has no weights for {missing[0]} and {len(missing) - 1} more: it was not "
            f"saved as the {type(model).__name__} that it calls itself"
        )
    return model.to(device).eval(), extractor


def transformer_vector(
    model: Any, extractor: Any, samples: Samples, layer: int | None
) -> npt.NDArray[np.float64]:
    """Vector of an utterance.

    Args:
        model: From :func:`load_transformers`.
        extractor: The same.
        samples: ``(n,)`` at 16 kHz.
        layer: Which hidden states are averaged over time, as an index into all of them; None: the
            x-vector of a model that has one, else the last.

    Returns:
        ``(d,)`` float64.

    Raises:
        ConfigurationError: No such layer.
    """
    torch = optional("torch", "hub", "a transformers encoder")
    inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt")
    inputs = {name: value.to(model.device) for name, value in inputs.items()}
    with torch.inference_mode():
        result = model(**inputs, output_hidden_states=layer is not None)
    if layer is None and "embeddings" in result:
        vector = result["embeddings"][0]
    elif layer is None:
        vector = result["last_hidden_state"][0].mean(dim=0)
    else:
        states = result["hidden_states"]
        if not -len(states) <= layer < len(states):
            raise ConfigurationError(f"layer= takes 0 to {len(states) - 1}, got {layer!r}")
        vector = states[layer][0].mean(dim=0)
    given: npt.NDArray[np.float64] = vector.double().cpu().numpy()
    return given


def state_arrays(module: torch.nn.Module) -> list[npt.NDArray[np.uint8]]:
    """The bytes of all weights of a network, by name, for a content hash."""
    torch = optional("torch", "hub", "a pretrained encoder")
    state = sorted(module.state_dict().items())
    return [v.cpu().contiguous().reshape(-1).view(torch.uint8).numpy() for _, v in state]


def _transformers(purpose: str) -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the hub's client is imported
    return optional("transformers", "hub", purpose)


@contextmanager
def _no_bar_in_logs(transformers: Any) -> Iterator[None]:
    """Without a terminal there is no progress bar; afterwards it is as it was."""
    settings = transformers.utils.logging
    hide = settings.is_progress_bar_enabled() and not sys.stderr.isatty()
    if hide:
        settings.disable_progress_bar()
    try:
        yield
    finally:
        if hide:
            settings.enable_progress_bar()


def _unusable(
    source: str, kind: str, error: Exception, local_files_only: bool
) -> ConfigurationError:
    offline = " (local_files_only is set)" if local_files_only else ""
    reason = (str(error).strip() or "no reason given").splitlines()[0].rstrip(".")
    return ConfigurationError(
        f"{source!r} cannot be loaded as a {kind}{offline}: {type(error).__name__}: {reason}. It "
        "takes a name on the hub that can be reached or has been fetched before, or a folder"
    )
