"""Requests with clips in them, and the look for what of the clips is left."""

import asyncio
import base64
import copy
import json
import re

import pytest

import voxguard
from voxguard.audio import encode
from voxguard.errors import PayloadError
from voxguard.payloads.openai import Clip, protect_chat

RATE = 16_000


def recording(suffix="wav", seed=0):
    return encode(voxguard.synthetic_voice(seconds=0.3, seed=seed)[None], RATE, suffix)


def b64(content):
    return base64.b64encode(content).decode()


RAW = {suffix: recording(suffix) for suffix in ("wav", "mp3", "flac", "ogg", "aiff", "au")}
ANONYMOUS = {suffix: recording(suffix, seed=9) for suffix in ("wav", "mp3", "flac", "ogg")}


class Converter:
    """Stands for the anonymizer: keeps what it got, gives a clip that is known."""

    def __init__(self):
        self.clips = []

    async def __call__(self, clip):
        self.clips.append(clip)
        label = clip.format or "wav"
        return Clip(ANONYMOUS["ogg" if label == "opus" else label], label)


def chat(*parts, **rest):
    return {"model": "m", "messages": [{"role": "user", "content": list(parts)}], **rest}


def responses(*items, **rest):
    return {"model": "m", "input": list(items), **rest}


def input_audio(suffix="wav", **rest):
    held = {"data": b64(RAW[suffix]), "format": suffix, **rest}
    return {"type": "input_audio", "input_audio": held}


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
PDF = b"%PDF-1.7\n" + b"nothing to hear " * 40
TEXT = {"type": "text", "text": "What is said?"}


def protected(body, protect=protect_chat):
    converter = Converter()
    before = copy.deepcopy(body)
    made = asyncio.run(protect(body, converter))
    assert body == before  # not mutated
    return made, converter.clips


def refused(body, match, protect=protect_chat):
    with pytest.raises(PayloadError) as caught:
        protected(body, protect)
    assert re.search(match, str(caught.value))
    return caught.value


def windows(text):
    return {text[at : at + 64] for at in range(len(text) - 63)}


# Headers, and the silence before a voice starts, are the same in all of them.
COMMON = set().union(*(windows(b64(content)) for content in ANONYMOUS.values()))
WINDOWS = set().union(*(windows(b64(content)) for content in RAW.values())) - COMMON


def leaks(made):
    text = json.dumps(made)
    return any(text[at : at + 64] in WINDOWS for at in range(len(text) - 63))
