"""Any server that speaks OpenAI's chat completions with audio: OpenAI, vLLM, DashScope, LiteLLM."""

from __future__ import annotations

import base64
import time
import weakref
from threading import Lock
from typing import Any

from voxguard.arrays import Samples
from voxguard.audio import encode
from voxguard.errors import ConfigurationError, ModelError
from voxguard.models.optional import optional

_NO_KEY = "none"  # the client insists on one; local servers do not look at it


class EndpointModel:
    """A model behind an OpenAI-compatible endpoint.

    What it is sent is what you give it: raw voices, unless the endpoint is ``voxguard serve`` or
    the model is :class:`~voxguard.audiollm.Protected`.

    Args:
        base_url: Such as ``"http://localhost:8000/v1"``; None: OpenAI's.
        model: Name of the model there.
        api_key: None: from the environment variable ``OPENAI_API_KEY``, or none for another
            address than OpenAI's.
        requests_per_minute: At most; None: no limit. 429 and 5xx are waited out besides.
        timeout_s: For one request.
        retries: Of a request that was refused for its rate, or got no answer.
        max_tokens: Longest answer.
        temperature: 0 to 2.
        data_url: Send audio as ``data:audio/wav;base64,...``, which DashScope wants; None: if the
            address is DashScope's.
        headers: Further headers, such as ``{"X-Voxguard-Session": "anna"}``.

    Raises:
        MissingExtraError: openai is not installed (``openai``).
        ConfigurationError: An option is out of its range.

    Attributes:
        name: The model's name.
    """

    def __init__(
        self,
        base_url: str | None,
        model: str,
        *,
        api_key: str | None = None,
        requests_per_minute: float | None = None,
        timeout_s: float = 60.0,
        retries: int = 2,
        max_tokens: int = 256,
        temperature: float = 0.0,
        data_url: bool | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if requests_per_minute is not None and not requests_per_minute > 0:
            raise ConfigurationError(f"requests_per_minute= is above 0, got {requests_per_minute}")
        if not 0 <= temperature <= 2 or timeout_s <= 0 or retries < 0 or max_tokens < 1:
            raise ConfigurationError(
                "temperature= takes 0 to 2, timeout_s= more than 0, retries= 0 or more and "
                f"max_tokens= 1 or more; got {temperature}, {timeout_s}, {retries}, {max_tokens}"
            )
        self._openai = optional("openai", "openai", "a model behind an endpoint")
        self.name = model
        try:
            self._client = self._openai.OpenAI(
                base_url=base_url,
                api_key=api_key or (_NO_KEY if base_url else None),
                timeout=timeout_s,
                max_retries=retries,
                default_headers=headers,
                # A redirection would carry the recording to a machine that nobody named.
                http_client=self._openai.DefaultHttpxClient(follow_redirects=False),
            )
        except self._openai.OpenAIError as error:
            raise ConfigurationError(
                f"the endpoint cannot be used: {error}; give api_key=, or base_url= of a server "
                "that wants none"
            ) from error
        weakref.finalize(self, self._client.close)  # the SDK closes only a client of its own
        self._pace = _Pace(requests_per_minute)
        self._options = {"temperature": temperature, "max_tokens": max_tokens}
        self._data_url = "dashscope" in (base_url or "") if data_url is None else data_url

    def __call__(self, samples: Samples | None, sample_rate: int, prompt: str) -> str:
        """Answer a question about a clip.

        Args:
            samples: ``(n,)``; None: no audio part.
            sample_rate: Hz.
            prompt: The question.

        Raises:
            ModelError: No answer, or one that is none.
            ConfigurationError: The endpoint does not know the key or the model.
        """
        parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
        if samples is not None:
            parts.insert(0, self._audio_part(samples, sample_rate))
        self._pace.wait()
        return self._text(self._asked([{"role": "user", "content": parts}]))

    def _asked(self, messages: list[dict[str, Any]]) -> Any:
        try:
            return self._client.chat.completions.create(
                model=self.name, messages=messages, **self._options
            )
        except (
            self._openai.AuthenticationError,
            self._openai.PermissionDeniedError,
            self._openai.NotFoundError,
        ) as error:
            raise ConfigurationError(f"the endpoint refuses {self.name!r}: {error}") from error
        except Exception as error:  # the client's own errors, and what a broken answer makes of it
            raise ModelError(f"{self.name}: {type(error).__name__}: {error}") from error

    def _text(self, completion: Any) -> str:
        try:
            message = completion.choices[0].message
        except (AttributeError, IndexError, TypeError):
            raise ModelError(f"{self.name} gave an answer without a message") from None
        text = message.content
        if text is None:
            text = getattr(message, "refusal", None)
        if not isinstance(text, str):
            raise ModelError(f"{self.name} gave a message without text")
        return text

    def _audio_part(self, samples: Samples, sample_rate: int) -> dict[str, Any]:
        data = base64.b64encode(encode(samples[None], sample_rate, "wav")).decode("ascii")
        if self._data_url:
            data = f"data:audio/wav;base64,{data}"
        return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


class _Pace:
    """Requests no closer together than allowed, over all threads."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap_s = 60.0 / per_minute if per_minute else 0.0
        self._lock, self._next = Lock(), 0.0

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._gap_s
        if mine > now:
            time.sleep(mine - now)
