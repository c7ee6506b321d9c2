"""Requests that nobody would write, each made of a number.

Hypothesis draws the number alone: drawn by it piece by piece, a request takes longer to make than
the gateway takes to answer it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from servers import base64_of

WORDS = (
    "type", "input_audio", "audio_url", "data", "url", "format", "wav", "mp3", "text", "content",
    "messages", "role", "user", "input", "file", "file_data", "audio", "tools", "metadata",
    "output", "function_call_output", "message", "image_url", "input_file", "input_text",
)  # fmt: skip
EVENTS = (
    "input_audio_buffer.append", "conversation.item.create", "response.create", "session.update",
    "input_audio_buffer.commit", "something.else",
)  # fmt: skip


def dressings(wav: bytes) -> list[str]:
    """A recording, as it may stand in JSON.

    Bare samples as base64 in a text are not among these: nothing tells them from other base64.
    """
    encoded = base64_of(wav)
    return [
        encoded,
        f"data:audio/wav;base64,{encoded}",
        f"data:;base64,{encoded}",
        f"data:text/plain;base64,{encoded}",
        wav.decode("latin-1"),
        encoded[:400] + "\n" + encoded[400:],
        encoded.replace("+", "-").replace("/", "_"),
        json.dumps({"data": encoded}),
    ]


class Nonsense:
    """What may be in a request, drawn.

    Args:
        seed: Makes the same again.
        recordings: Texts that hold the recording that must not get through.
    """

    def __init__(self, seed: int, recordings: list[str]) -> None:
        self._random = Random(seed)  # noqa: S311 — no secret is made of it
        self._recordings = recordings

    def body(self) -> Any:
        """A request, as one of two interfaces has it or as none has."""
        return self._one(self.tree, self._chat, self._responses)

    def event(self, samples: str) -> Any:
        """A message to a conversation over a WebSocket, which takes bare samples in one place."""
        if self._seldom():
            return self.tree()
        return {"type": self._random.choice(EVENTS)} | self._some(
            audio=lambda: self._one(lambda: samples, self.audio, self.tree),
            item=lambda: self._one(self.tree, lambda: {"content": self._list(self._part)}),
            response=lambda: self._one(self.tree, lambda: {"input": self._list(self.tree)}),
            session=lambda: self._one(
                self.tree,
                lambda: {"input_audio_format": self._random.choice(["pcm16", "g711_ulaw", "mp3"])},
            ),
            event_id=self._leaf,
        )

    def damaged(self, valid: bytes) -> bytes:
        """A request with up to four faults, most of them where it begins."""
        content, random = bytearray(valid), self._random
        for _ in range(random.randint(0, 4)):
            at = random.randint(0, random.choice([200, len(valid)]))
            kind = random.choice(["flip", "cut", "insert", "drop", "repeat"])
            if kind == "flip" and at < len(content):
                content[at] ^= 1 << random.randint(0, 7)
            elif kind == "cut":
                del content[at:]
            elif kind == "insert":
                content[at:at] = random.randbytes(random.randint(0, 6))
            elif kind == "drop":
                del content[at : at + random.randint(1, 40)]
            elif kind == "repeat":
                content[at:at] = content[at : at + random.randint(1, 300)]
        return bytes(content)

    def choice(self, values: list[str]) -> str:
        """One of them."""
        return self._random.choice(values)

    def audio(self) -> str:
        """A text that holds the recording."""
        return self._random.choice(self._recordings)

    def tree(self, depth: int = 3) -> Any:
        """Anything that JSON can hold, to some depth."""
        if not depth or self._random.random() < 0.3:
            return self._leaf()
        if self._random.random() < 0.4:
            return self._list(lambda: self.tree(depth - 1))
        keys = self._list(lambda: self.audio() if self._seldom() else self._word())
        return {key: self.tree(depth - 1) for key in keys}

    def _leaf(self) -> Any:
        kinds: list[Callable[[], Any]] = [
            self._word, self.audio, lambda: None, lambda: self._random.random() < 0.5,
            self._number, self._text,
        ]  # fmt: skip
        return self._one(*kinds)

    def _number(self) -> float:
        return self._random.choice(
            [0, -1, self._random.randint(-(2**63), 2**70), self._random.gauss(0, 1e3), 1e308]
        )

    def _text(self) -> str:
        """Characters of any kind but halves of a surrogate pair, which UTF-8 cannot say."""
        limit = self._random.choice([0x80, 0x800, 0xD800])
        return "".join(
            chr(self._random.randrange(limit)) for _ in range(self._random.randint(0, 8))
        )

    def _word(self) -> str:
        return self._random.choice(WORDS)

    def _part(self) -> Any:
        return {"type": self._one(self._word, lambda: None)} | self._some(
            input_audio=lambda: self._one(
                self.tree,
                lambda: {"data": self._one(self.audio, self._leaf), "format": self._leaf()},
            ),
            audio_url=lambda: self._one(
                self.tree, lambda: {"url": self._one(self.audio, self._leaf)}
            ),
            text=lambda: self._one(self._leaf, self.tree),
            file=self.tree,
            audio=lambda: self._one(self.audio, self.tree),
        )

    def _message(self) -> Any:
        return {"role": self._word(), "content": self._one(self.tree, self._parts)}

    def _parts(self) -> Any:
        return self._list(self._part, 3)

    def _chat(self) -> Any:
        return {"messages": self._list(self._message, 3)} | self._some(
            metadata=self.tree, tools=self.tree, audio=self.tree, prediction=self.tree
        )

    def _responses(self) -> Any:
        def said() -> Any:
            return {"role": self._word(), "content": self._parts()}

        def done() -> Any:
            return {"type": self._word(), "output": self._one(self.tree, self._parts)}

        return {
            "input": self._one(
                self.audio, lambda: self._list(lambda: self._one(self.tree, said, done), 3)
            )
        }

    def _list(self, inner: Callable[[], Any], most: int = 4) -> list[Any]:
        return [inner() for _ in range(self._random.randint(0, most))]

    def _some(self, **entries: Callable[[], Any]) -> dict[str, Any]:
        """Each of the entries or not."""
        return {key: make() for key, make in entries.items() if self._random.random() < 0.4}

    def _one(self, *kinds: Callable[[], Any]) -> Any:
        return self._random.choice(kinds)()

    def _seldom(self) -> bool:
        return self._random.random() < 0.15
