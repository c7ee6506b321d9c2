"""Random requests with clips anywhere in them: none comes out raw."""

import base64
import json
import re

import pytest
from clips import RAW, b64, leaks, protected
from hypothesis import given, settings
from hypothesis import strategies as st

from voxguard.errors import PayloadError
from voxguard.payloads.openai import protect_chat, protect_responses

EXAMPLES = 400  # random requests that are tried in each of the two properties


def dressed(clip):
    return [
        b64(clip),
        "data:audio/x;base64," + b64(clip),
        base64.encodebytes(clip).decode(),
        base64.urlsafe_b64encode(clip).decode(),
        json.dumps({"in": [b64(clip)]}),
        "words " + b64(clip),
    ]


# Requests are drawn with short names in place of the clips, which are put in afterwards.
CLIPS = [text for suffix in RAW for text in dressed(RAW[suffix])]
DRESSED = st.integers(0, len(CLIPS) - 1).map("<{}>".format)
KNOWN = st.sampled_from(
    [
        {"type": "input_audio", "input_audio": {"data": "<0>", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "<6>", "format": "mp3"}},
        {"type": "audio_url", "audio_url": {"url": "<uri>"}},
    ]
)


def filled(value):
    """The request with the clips put in."""
    if isinstance(value, dict):
        return {filled(key): filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    if value == "<uri>":
        return "data:audio/wav;base64," + CLIPS[0]
    if isinstance(value, str) and (match := re.fullmatch(r"<([0-9]+)>", value)):
        return CLIPS[int(match[1]) % len(CLIPS)]
    return value


WORDS = st.sampled_from(
    ["type", "text", "content", "messages", "input", "output", "input_audio", "audio_url", "data",
     "url", "format", "file", "file_data", "role", "user", "message", "function_call_output",
     "input_text", "image_url", "x"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | WORDS


@st.composite
def planted(draw, key):
    """A request, half of it as it should be, with clips in any place of it."""
    tree = st.recursive(
        LEAVES | DRESSED | KNOWN,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=3)
            | st.builds(
                lambda parts: {"role": "user", "content": parts}, st.lists(inner, max_size=3)
            )
            | st.builds(lambda value, kind: {"type": kind, kind: value}, inner, WORDS)
        ),
        max_leaves=6,
    )
    entries = st.lists(
        st.builds(
            lambda parts: {"role": "user", "content": parts}, st.lists(KNOWN | tree, max_size=3)
        )
        | tree,
        max_size=3,
    )
    right = st.lists(
        st.builds(
            lambda parts: {"role": "user", "content": parts},
            st.lists(KNOWN, min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=3,
    )
    beside = st.just({}) | st.dictionaries(WORDS, LEAVES, max_size=2) | st.dictionaries(WORDS, tree)
    return draw(beside) | {key: draw(right | entries | tree)}


outcomes_seen = {"converted": 0, "refused": 0, "nothing in it": 0}


def never_raw(body, protect):
    body = filled(body)
    try:
        made, clips = protected(body, protect)
    except PayloadError:
        outcomes_seen["refused"] += 1
        return
    assert not leaks(made)
    assert clips or not leaks(body)
    outcomes_seen["converted" if clips else "nothing in it"] += 1


@settings(max_examples=EXAMPLES, deadline=None)
@given(planted("messages"))
def test_a_clip_anywhere_in_a_chat_never_comes_out_raw(body):
    never_raw(body, protect_chat)


@settings(max_examples=EXAMPLES, deadline=None)
@given(planted("input"))
def test_a_clip_anywhere_in_responses_never_comes_out_raw(body):
    never_raw(body, protect_responses)


def test_the_properties_saw_both_outcomes(outcomes):
    if not sum(outcomes_seen.values()):
        pytest.skip("run with the properties before it")
    outcomes.append(f"random requests with a clip planted: {outcomes_seen}")
    assert outcomes_seen["refused"] > 50
    assert outcomes_seen["converted"] > 10
