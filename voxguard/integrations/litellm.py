"""LiteLLM's proxy: a guardrail that anonymizes the audio of a request before it is routed.

In ``config.yaml``::

    guardrails:
      - guardrail_name: voxguard
        litellm_params:
          guardrail: voxguard.integrations.litellm.VoxguardGuardrail
          mode: pre_call
          default_on: true
          method: voice_conversion
"""

from __future__ import annotations

import asyncio
import io
import json
from functools import partial
from typing import Any

from voxguard.anonymizers.base import create
from voxguard.errors import AudioError, ConfigurationError, PayloadError, VoxguardError
from voxguard.models.optional import optional
from voxguard.payloads.clip import Clip
from voxguard.payloads.openai import protect_chat, protect_responses, refuse_audio
from voxguard.payloads.render import render_clip
from voxguard.pseudonym import read_key

_PURPOSE = "the LiteLLM guardrail"
CustomGuardrail: Any = optional(
    "litellm.integrations.custom_guardrail", "litellm", _PURPOSE
).CustomGuardrail
HTTPException: Any = optional("fastapi", "litellm", _PURPOSE).HTTPException

__all__ = ["VoxguardGuardrail"]

_TRANSCRIPTIONS = ("transcription", "atranscription")
_TEXT = (  # kinds of calls that hold no audio; looked through
    "embedding", "aembedding", "embeddings", "text_completion", "atext_completion", "moderation",
    "amoderation", "speech", "aspeech", "audio_speech", "image_generation", "aimage_generation",
    "rerank", "arerank", "anthropic_messages",
)  # fmt: skip
# What LiteLLM puts beside the client's fields; none of it goes to the model.
_LITELLM = ("proxy_server_request", "secret_fields", "litellm_logging_obj")
_MIXED = ("metadata", "litellm_metadata")  # the client's own, with objects of LiteLLM among it
_NO_WAY = ("run_in_parallel", "scan_raw_request", "only_scan_new_messages")


class VoxguardGuardrail(CustomGuardrail):  # type: ignore[misc]
    """Anonymizes chat, responses and transcription requests; refuses what it does not understand.

    It runs for every request, whatever a key, a team or a client turns off. Also what LiteLLM keeps
    for its logs holds the anonymized audio only, or nothing where a request is refused.

    Args:
        method: Name of the anonymizer, by default ``"voice_conversion"``.
        method_options: Its options.
        key_file: File with a secret key (``voxguard keygen``), for pseudo-voices that outlive the
            proxy.
        scope: How long a speaker keeps one pseudo-voice; see
            :class:`~voxguard.pseudonym.Pseudonyms`.
        speaker_by: ``"user"`` (the request's ``user`` or end user) or ``"key"`` (the virtual key):
            each of them keeps one pseudo-voice. By default every clip has one of its own.
        max_seconds: Longest recording that is accepted, so that a small file that unpacks to hours
            does not take the proxy's memory.
        **guardrail: LiteLLM's own arguments.

    Raises:
        ConfigurationError: The method or its options cannot be used, or LiteLLM is told to run it
            in a way in which the raw audio would go out.
    """

    def __init__(
        self,
        *,
        method: str = "voice_conversion",
        method_options: dict[str, Any] | None = None,
        key_file: str | None = None,
        scope: Any = None,
        speaker_by: str | None = None,
        max_seconds: float = 600.0,
        **guardrail: Any,
    ) -> None:
        _check_guardrail(guardrail)
        if speaker_by not in (None, "user", "key"):
            raise ConfigurationError(f"speaker_by takes user or key, got {speaker_by!r}")
        super().__init__(**guardrail)
        key = read_key(key_file) if key_file is not None else None
        self._anonymizer = create(method, **{**(method_options or {}), "key": key, "scope": scope})
        self._speaker_by = speaker_by
        self._max_seconds = max_seconds

    def should_run_guardrail(self, data: Any, event_type: Any) -> bool:
        """Always before a call: nothing in a request can turn it off."""
        return str(getattr(event_type, "value", event_type)) in ("pre_call", "pre_mcp_call")

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """LiteLLM's hook: the request in, the request to send out.

        Raises:
            HTTPException: 400: the request is not understood, or its audio cannot be used; 500: the
                anonymization failed. Nothing of the request goes on.
        """
        speaker = self._speaker(user_api_key_dict, data)
        try:
            made = await self._protected(data, str(getattr(call_type, "value", call_type)), speaker)
        except BaseException as error:
            _forget(data, {"model": data.get("model")})
            if not isinstance(error, Exception):
                raise
            told = str(error) if isinstance(error, VoxguardError) else type(error).__name__
            status = 400 if isinstance(error, AudioError) else 500
            raise HTTPException(status, {"error": f"voxguard: {told}"}) from None
        _forget(data, made)
        return data

    def _speaker(self, who: Any, data: dict[str, Any]) -> str | None:
        if self._speaker_by == "key":
            return getattr(who, "api_key", None)
        if self._speaker_by == "user":
            user = data.get("user") or getattr(who, "end_user_id", None)
            return user if isinstance(user, str) else None
        return None

    async def _protected(
        self, data: dict[str, Any], call_type: str, speaker: str | None
    ) -> dict[str, Any]:
        """The client's fields, anonymized."""
        for name in _MIXED:
            refuse_audio(_as_json(data.get(name)), name)
        body = _of_client(data)

        async def convert(clip: Clip) -> Clip:
            return await asyncio.to_thread(
                partial(
                    render_clip,
                    clip,
                    self._anonymizer,
                    speaker=speaker,
                    max_seconds=self._max_seconds,
                )
            )

        if call_type in ("completion", "acompletion"):
            return await protect_chat(body, convert)
        if call_type in ("responses", "aresponses"):
            return await protect_responses(body, convert)
        if call_type in _TRANSCRIPTIONS:
            refuse_audio({name: value for name, value in body.items() if name != "file"})
            clip = await convert(Clip(_content(body.get("file"))))
            return {**body, "file": _file(clip)}
        if call_type not in _TEXT:
            raise PayloadError(
                f"a call of the kind {call_type[:40]!r} could carry a voice that a guardrail does "
                "not see, so it is not sent; for live audio, run voxguard serve"
            )
        refuse_audio(body)
        return body


def _check_guardrail(options: dict[str, Any]) -> None:
    hook = options.get("event_hook")
    modes = [str(getattr(mode, "value", mode)) for mode in hook] if isinstance(hook, list) else [
        str(getattr(hook, "value", hook))
    ]  # fmt: skip
    if modes != ["pre_call"]:
        raise ConfigurationError(
            f"the guardrail works in mode: pre_call, got {', '.join(modes)}; in every other mode "
            "the raw audio would be sent"
        )
    if options.get("default_on") is not True:
        raise ConfigurationError("the guardrail needs default_on: true, to run for every request")
    for name in _NO_WAY:
        if options.get(name):
            raise ConfigurationError(f"{name} would throw the anonymized audio away; leave it out")


def _of_client(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in (*_LITELLM, *_MIXED)}


def _forget(data: dict[str, Any], made: dict[str, Any]) -> None:
    """Put what was made in place of what came, in all places where LiteLLM keeps it."""
    before = {name: data.pop(name) for name in _of_client(data)}
    kept = ("litellm_call_id", "request_timeout")
    data.update({name: before[name] for name in kept if name in before} | made)
    shown = {name: value for name, value in made.items() if name != "file" and name in before}
    request = data.get("proxy_server_request")
    if isinstance(request, dict) and "body" in request:
        body = request["body"] if isinstance(request["body"], dict) else {}
        request["body"] = {name: value for name, value in shown.items() if name in body}
    logging = data.get("litellm_logging_obj")
    heard = made.get("messages", made.get("input", []))
    if logging is not None:
        logging.messages = heard
        details = getattr(logging, "model_call_details", {})
        details.update({name: heard for name in ("messages", "input") if name in details})


def _as_json(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, default=lambda _: None, skipkeys=True))
    except (ValueError, RecursionError):
        raise PayloadError("the metadata cannot be looked into, so it is not sent") from None


def _content(file: Any) -> bytes:
    content = file.read() if hasattr(file, "read") else None
    if not isinstance(content, bytes):
        raise PayloadError("file: one file is needed", "file")
    return content


def _file(clip: Clip) -> io.BytesIO:
    made = io.BytesIO(clip.content or b"")
    made.name = f"audio.{clip.format}"
    return made
