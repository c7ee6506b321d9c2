"""The events of a live conversation: those with audio are anonymized, the rest looked into."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from typing import Any

from voxguard.gateway.refusals import RefusedError
from voxguard.gateway.settings import Settings
from voxguard.gateway.voice import LiveVoice, Wire
from voxguard.gateway.workers import Workers
from voxguard.payloads.openai import refuse_audio

_APPEND = "input_audio_buffer.append"
_ENDS = ("input_audio_buffer.commit", "session.close")  # of a turn: the rest goes out before
_UPDATES = ("session.update", "transcription_session.update")
_TOLD = ("session.created", "session.updated", "transcription_session.updated")
_APPENDS = (_APPEND, f"session.{_APPEND}")
# Of other events nobody knows what their fields hold: bare samples look like any other base64.
_KNOWN = (
    *_ENDS,
    "input_audio_buffer.clear",
    "output_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "response.create",
    "response.cancel",
)
_PARTS = ("input_audio", "output_audio", "audio")

Event = dict[str, Any]


class Conversation:
    """One live connection's events.

    Args:
        workers: Anonymize.
        speaker: Names the pseudo-voice.
        settings: Of the gateway.
    """

    def __init__(self, workers: Workers, speaker: str, settings: Settings) -> None:
        self._workers, self._speaker, self._settings = workers, speaker, settings
        self._append = _APPEND
        self._stated = False  # whether the client has chosen a format; else the server's holds
        self._turn = asyncio.Lock()
        self.voice = LiveVoice(
            workers, speaker, Wire(settings.live_rate), timeout_s=settings.job_timeout_s
        )

    @staticmethod
    def appended(event: Event) -> bytes | None:
        """The audio that an event of the client appends, raw; None: it is another event.

        Raises:
            RefusedError: It may hold audio in another place, or none in its own.
        """
        if event.get("type") not in _APPENDS:
            return None
        data = _decoded(event.get("audio"), "audio")
        refuse_audio({name: value for name, value in event.items() if name != "audio"})
        return data

    async def append(self, event: Event, data: bytes) -> list[Event]:
        """What goes to the server for audio that was appended, by one event or several alike.

        Args:
            event: One of them.
            data: The audio of all.

        Raises:
            VoxguardError: It cannot be anonymized.
        """
        async with self._turn:
            self._append = event["type"]
            return self._appends(await self.voice.push(data), event)

    async def from_client(self, event: Event) -> list[Event]:
        """What goes to the server for an event of the client that appends no audio.

        Raises:
            RefusedError: It may hold audio in a place that is not understood.
            VoxguardError: Its audio cannot be anonymized.
        """
        async with self._turn:
            return await self._from_client(event)

    async def from_server(self, text: str) -> None:
        """Learn the format that the server states; what it says goes to the client as it is."""
        if self._stated or not any(f'"{kind}"' in text for kind in _TOLD):
            return
        try:
            event = json.loads(text)
        except ValueError:
            return
        name = _format(event.get("session")) if isinstance(event, dict) else None
        if name is not None and event.get("type") in _TOLD:
            async with self._turn:
                await self.voice.change(Wire.named(name, self._settings.live_rate))

    async def _from_client(self, event: Event) -> list[Event]:
        kind = event.get("type")
        if kind in _UPDATES:
            return await self._updated(event)
        if kind not in _KNOWN:
            raise RefusedError(400, "not_understood", "an event of this type is not understood")
        if kind == "conversation.item.create" and isinstance(event.get("item"), dict):
            refuse_audio({name: value for name, value in event.items() if name != "item"})
            return [{**event, "item": await self._item(event["item"], "item")}]
        response = event.get("response")
        if kind == "response.create" and isinstance(response, dict) and response.get("input"):
            return [await self._with_input(event, response)]
        refuse_audio(event)
        if kind == "input_audio_buffer.clear":
            self.voice.drop()
        rest = await self.voice.drain() if kind in _ENDS else b""
        return [*self._appends(rest, {}), event]

    def _appends(self, data: bytes, event: Event) -> list[Event]:
        if not data:
            return []
        return [{**event, "type": self._append, "audio": base64.b64encode(data).decode()}]

    async def _updated(self, event: Event) -> list[Event]:
        session = event.get("session")
        name = _format(session)
        refuse_audio(_without_formats(event))
        before: list[Event] = []
        if name is not None:
            wire = Wire.named(name, self._settings.live_rate)
            self._stated = True
            if wire != self.voice.wire:
                before = self._appends(await self.voice.drain(), {})
                await self.voice.change(wire)
        return [*before, event]

    async def _with_input(self, event: Event, response: Event) -> Event:
        items = response["input"]
        if not isinstance(items, list):
            raise RefusedError(400, "not_understood", "response.input is no list", "response.input")
        outside = {name: value for name, value in response.items() if name != "input"}
        refuse_audio(_without_formats({**event, "response": outside}))
        made = [
            await self._item(item, f"response.input[{place}]") for place, item in enumerate(items)
        ]
        return {**event, "response": {**response, "input": made}}

    async def _item(self, item: Any, place: str) -> Any:
        """A conversation item with its audio parts anonymized."""
        content = item.get("content") if isinstance(item, dict) else None
        if not isinstance(content, list):
            refuse_audio(item)
            return item
        refuse_audio({name: value for name, value in item.items() if name != "content"})
        parts = [
            await self._part(part, f"{place}.content[{number}]")
            for number, part in enumerate(content)
        ]
        return {**item, "content": parts}

    async def _part(self, part: Any, place: str) -> Any:
        if not isinstance(part, dict) or part.get("type") not in _PARTS:
            refuse_audio(part)
            return part
        refuse_audio({name: value for name, value in part.items() if name not in ("audio", "type")})
        if part.get("audio") is None:  # the server has it already, or a transcript is all there is
            return part
        wire = self.voice.wire
        data = _decoded(part["audio"], f"{place}.audio")
        samples = wire.decode(data[: len(data) - len(data) % wire.width])
        if samples.shape[1] > self._settings.max_seconds * wire.rate:
            raise RefusedError(
                400, "invalid_audio", f"longer than {self._settings.max_seconds:g} s", place
            )
        if not samples.size:
            raise RefusedError(400, "invalid_audio", "there is no audio in it", place)
        made = await self._workers.recording(
            "samples", samples, wire.rate, self._speaker, timeout_s=self._settings.job_timeout_s
        )
        return {**part, "audio": base64.b64encode(wire.encode(made)).decode()}


def _decoded(text: Any, place: str) -> bytes:
    if not isinstance(text, str):
        raise RefusedError(400, "invalid_audio", "audio takes base64 as text", place)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(400, "invalid_audio", "the audio is not base64", place) from None


def _format(session: Any) -> Any:
    """The name that a session has for the format of its input, if it says."""
    if not isinstance(session, dict):
        return None
    audio = session.get("audio")
    heard = audio.get("input") if isinstance(audio, dict) else None
    stated = heard.get("format") if isinstance(heard, dict) else None
    return stated if stated is not None else session.get("input_audio_format")


def _without_formats(value: Any) -> Any:
    """A copy without the names of formats, which look like types of audio, but are short."""
    if isinstance(value, dict):
        return {
            name: _without_formats(inner)
            for name, inner in value.items()
            if not (name == "format" and isinstance(inner, dict) and set(inner) <= {"type", "rate"})
        }
    if isinstance(value, list):
        return [_without_formats(inner) for inner in value]
    return value
