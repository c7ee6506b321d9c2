"""Bodies of the OpenAI API: every audio part is anonymized, every part that is not known refused.

Pure functions on parsed JSON. What comes in is not changed; what goes out is new along the path to
each clip. The API's dialects are read too: ``audio_url`` (vLLM) and data URIs or addresses in
``input_audio.data`` (DashScope).
"""

from __future__ import annotations

from typing import Any

from voxguard.errors import AudioError, PayloadError
from voxguard.payloads.base64_audio import (
    is_web_address,
    kept_label,
    read_base64,
    read_uri,
    same_format,
    to_base64,
    to_uri,
)
from voxguard.payloads.clip import Clip, Convert, is_new
from voxguard.payloads.files import check_file
from voxguard.payloads.generic import at, refuse, refuse_audio

__all__ = ["Clip", "Convert", "protect_chat", "protect_responses", "refuse_audio"]

_AUDIO = ("input_audio", "audio_url")
_CHAT_PARTS = ("text", "refusal", "image_url")
_RESPONSES_PARTS = ("input_text", "output_text", "refusal", "input_image", "summary_text",
                    "reasoning_text", "computer_screenshot")  # fmt: skip
_FILES = ("file", "input_file")
_ITEMS_WITH_PARTS = ("message", "function_call_output", "custom_tool_call_output")
_ITEMS = (  # that carry no audio; looked through
    "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call",
    "compaction", "compaction_trigger", "computer_call", "computer_call_output",
    "configuration_update", "custom_tool_call", "file_search_call", "function_call",
    "image_generation_call", "item_reference", "local_shell_call", "local_shell_call_output",
    "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools", "program",
    "program_output", "reasoning", "shell_call", "shell_call_output", "tool_search_call",
    "tool_search_output", "web_search_call",
)  # fmt: skip


async def protect_chat(body: dict[str, Any], convert: Convert) -> dict[str, Any]:
    """Anonymize the audio in a body for ``/v1/chat/completions``, clip after clip.

    Args:
        body: The request; not changed.
        convert: Anonymizes one clip.

    Returns:
        The body to send.

    Raises:
        PayloadError: Audio, or what could be audio, in a place or form that is not understood; its
            ``param`` says where.
        VoxguardError: A clip cannot be anonymized.

    Example:
        >>> import asyncio
        >>> from voxguard.payloads.openai import protect_chat
        >>> async def convert(clip):
        ...     raise NotImplementedError
        >>> body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
        >>> asyncio.run(protect_chat(body, convert)) == body
        True
    """
    return await _protect_list(body, "messages", convert, _protect_message)


async def protect_responses(body: dict[str, Any], convert: Convert) -> dict[str, Any]:
    """Anonymize the audio in a body for ``/v1/responses``; as :func:`protect_chat`.

    Args:
        body: The request; not changed.
        convert: Anonymizes one clip.

    Returns:
        The body to send.

    Raises:
        PayloadError: As :func:`protect_chat`.
        VoxguardError: A clip cannot be anonymized.
    """
    if isinstance(body, dict) and isinstance(body.get("input", ""), str):
        refuse_audio(body)
        return body
    return await _protect_list(body, "input", convert, _protect_item)


async def _protect_list(body: Any, key: str, convert: Convert, protect: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise refuse("", "the body is no object")
    refuse_audio({name: value for name, value in body.items() if name != key})
    entries = body.get(key, [])
    if not isinstance(entries, list | tuple):
        raise refuse(key, "this is no list")
    made = [await protect(entry, at(key, n), convert) for n, entry in enumerate(entries)]
    return {**body, key: made} if key in body else dict(body)


async def _protect_message(message: Any, place: str, convert: Convert) -> Any:
    if not isinstance(message, dict):
        raise refuse(place, "this is no message")
    return await _protect_parts(message, "content", place, convert, _CHAT_PARTS)


async def _protect_item(item: Any, place: str, convert: Convert) -> Any:
    if not isinstance(item, dict):
        raise refuse(place, "this is no item")
    kind = item.get("type", "message" if "role" in item else None)
    if kind in _AUDIO:
        return await _protect_part(item, place, convert, _RESPONSES_PARTS)
    if kind in _ITEMS_WITH_PARTS:
        key = "content" if kind == "message" else "output"
        return await _protect_parts(item, key, place, convert, _RESPONSES_PARTS)
    if kind not in _ITEMS:
        raise refuse(place, f"an item of type {_shown(kind)} is not understood")
    refuse_audio(item, place)
    return item


async def _protect_parts(
    holder: dict[str, Any], key: str, place: str, convert: Convert, known: tuple[str, ...]
) -> dict[str, Any]:
    """A message or item with the parts under a key protected."""
    parts = holder.get(key)
    if not isinstance(parts, list | tuple):
        if parts is not None and not isinstance(parts, str):
            raise refuse(at(place, key), "this is neither text nor a list of parts")
        refuse_audio(holder, place)
        return holder
    refuse_audio({name: value for name, value in holder.items() if name != key}, place)
    inside = at(place, key)
    made = [await _protect_part(p, at(inside, n), convert, known) for n, p in enumerate(parts)]
    return {**holder, key: made}


async def _protect_part(part: Any, place: str, convert: Convert, known: tuple[str, ...]) -> Any:
    if isinstance(part, str) and known is _CHAT_PARTS:  # a dialect's short form of a text
        refuse_audio(part, place)
        return part
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in (*known, *_FILES, *_AUDIO):
        raise refuse(place, f"a part of type {_shown(kind)} is not understood")
    rest = {name: value for name, value in part.items() if name not in ("type", kind)}
    for name in rest:
        if "audio" in str(name) or "video" in str(name):  # some servers go by keys, not by type
            raise refuse(at(place, name), f"this does not belong into a part of type {kind}")
    if kind in _FILES:
        check_file(part, place)
        return part
    refuse_audio(rest, place)
    if kind not in _AUDIO:
        refuse_audio(part, place)
        return part
    held = part.get(kind)
    if not isinstance(held, dict):
        raise refuse(at(place, kind), "this is no object")
    inside = at(place, kind)
    field = "data" if kind == "input_audio" else "url"
    refuse_audio({name: value for name, value in held.items() if name != field}, inside)
    return {**part, kind: await _converted(held, field, inside, convert)}


async def _converted(
    held: dict[str, Any], field: str, place: str, convert: Convert
) -> dict[str, Any]:
    """What an audio part holds, anonymized; never an address, which would be read raw."""
    text, label = held.get(field), held.get("format")
    place = at(place, field)
    if not isinstance(text, str):
        raise refuse(place, "this is no text")
    as_uri = field == "url" or not text or ":" in text
    if is_web_address(text):
        clip = Clip(url=text.strip(), format=label if isinstance(label, str) else None)
    elif as_uri:
        clip = read_uri(text, label, place)
    else:
        clip = read_base64(text, label, place)
    made = await _anonymized(clip, convert, place)
    labelled = {"format": made.format} if "format" in held and kept_label(clip) is None else {}
    return {**held, **labelled, field: to_uri(made) if as_uri else to_base64(made)}


async def _anonymized(clip: Clip, convert: Convert, place: str) -> Clip:
    """The converted clip, if it is one: not nothing, not the same, in the format that was asked."""
    try:
        made = await convert(clip)
    except AudioError as error:
        raise PayloadError(f"{place}: {error}", place) from None
    label = kept_label(clip) or made.format
    if not is_new(made, clip) or made.format is None or label is None:
        raise PayloadError(f"{place}: the anonymizer gave nothing new", place)
    if not same_format(made, label):
        raise PayloadError(f"{place}: the anonymizer gave another format than {label}", place)
    return Clip(made.content, label)


def _shown(kind: object) -> str:
    """The name of a type in a message, if it is one."""
    return repr(kind) if isinstance(kind, str) and len(kind) <= 40 else f"<{type(kind).__name__}>"
