"""Live audio whose conversion is behind: what waits is anonymized together, and nothing is lost."""

import asyncio
import base64
import json

import numpy as np
import pytest
from servers import base64_of, pcm16
from websockets.sync.client import connect

from voxguard.errors import UnsupportedAudioError
from voxguard.gateway.ahead import reading_ahead
from voxguard.gateway.conversation import Conversation
from voxguard.gateway.meters import Meters
from voxguard.gateway.upwards import Upwards
from voxguard.gateway.voice import Wire

RATE, CHUNK = 24_000, 960  # bytes of 20 ms
APPEND = "input_audio_buffer.append"


def append(audio, **fields):
    return {"type": APPEND, "audio": base64_of(audio), **fields}


@pytest.fixture
def slow(make_gateway, plugin):
    """Each chunk takes 60 ms, however long it is."""
    return make_gateway(method="test-scramble", options={"pause_ms": 60, "delay": 0},
                        live_workers=1)  # fmt: skip


def spoken(gateway, events):
    """Send events as fast as they go; what is told until the turn is over."""
    told = []
    with connect(f"ws://127.0.0.1:{gateway.port}/v1/realtime") as live:
        for event in [*events, {"type": "input_audio_buffer.commit"}]:
            live.send(json.dumps(event))
        while not told or told[-1]["type"] != "input_audio_buffer.committed":
            told.append(json.loads(live.recv(timeout=30)))
    return told


def appended(upstream):
    return [event for event in upstream.events if event["type"] == APPEND]


def is_rendering_of(heard, voice):
    """Whether it is what the plug-in makes of a voice, at whatever gain."""
    made = np.frombuffer(heard, "<i2").astype(np.float64)
    wanted = voice * np.where(np.arange(len(voice)) % 2, -1.0, 1.0)
    return len(made) == len(voice) and np.corrcoef(made, wanted)[0, 1] > 0.9999


def test_what_waits_goes_together_and_in_order(slow, upstream, make_voice):
    voice = make_voice(RATE, seconds=2.0)
    data = pcm16(voice)
    parts = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    told = spoken(slow, [append(part) for part in parts])
    assert [event["type"] for event in told] == ["session.created", "input_audio_buffer.committed"]
    assert len(appended(upstream)) < len(parts) / 4
    longest = max(len(base64.b64decode(event["audio"])) for event in appended(upstream))
    assert CHUNK < longest <= 2 * RATE  # at most a second
    assert is_rendering_of(upstream.live_bytes(), voice)
    assert upstream.events[-1]["type"] == "input_audio_buffer.commit"


def test_samples_may_be_cut_between_events(slow, upstream, make_voice):
    voice = make_voice(RATE, seconds=0.5)
    data = pcm16(voice)
    spoken(slow, [append(data[at : at + 1001]) for at in range(0, len(data), 1001)])
    assert is_rendering_of(upstream.live_bytes(), voice)


def test_what_is_refused_is_named_and_the_rest_goes(slow, upstream, make_voice):
    voice = make_voice(RATE, seconds=0.4)
    data = pcm16(voice)
    events = [append(data[at : at + CHUNK], event_id=f"e{at}") for at in range(0, len(data), CHUNK)]
    hidden = append(data[:CHUNK], event_id="hidden", other=base64_of(b"RIFF" + bytes(400)))
    events[5:5] = [{"type": APPEND, "audio": "no base64!", "event_id": "odd"}, hidden,
                   {"type": "unheard.of", "event_id": "unknown"}]  # fmt: skip
    told = spoken(slow, events)
    errors = [event["error"]["event_id"] for event in told if event["type"] == "error"]
    assert errors == ["odd", "hidden", "unknown"]
    assert is_rendering_of(upstream.live_bytes(), voice)


def test_events_that_say_something_else_are_not_joined(slow, upstream, make_voice):
    data = pcm16(make_voice(RATE, seconds=0.4))
    parts = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    spoken(slow, [append(part, about=n % 2) for n, part in enumerate(parts)])
    assert len(appended(upstream)) == len(parts)
    assert [event["about"] for event in appended(upstream)] == [n % 2 for n in range(len(parts))]


class Broken:
    """A conversation that cannot anonymize what it is given."""

    class voice:  # noqa: N801
        wire = Wire(RATE)

    appended = staticmethod(Conversation.appended)

    async def append(self, event, data):
        raise UnsupportedAudioError("no")


class Told:
    def __init__(self, events):
        self.messages = [{"type": "websocket.receive", "text": json.dumps(e)} for e in events]
        self.errors = []

    async def receive(self):
        return self.messages.pop(0) if self.messages else {"type": "websocket.disconnect"}

    async def send_text(self, text):
        self.errors.append(json.loads(text)["error"]["event_id"])


def test_all_that_are_lost_are_named():
    client, meters = Told([append(bytes(CHUNK), event_id=f"e{n}") for n in range(5)]), Meters()
    asyncio.run(Upwards(client, None, Broken(), meters).run())
    assert client.errors == [f"e{n}" for n in range(5)]
    assert b'voxguard_refusals_total{code="invalid_audio"} 5.0' in meters.text()


class Client:
    """Sends what it is told to, then goes or breaks."""

    def __init__(self, texts, error=None):
        self.texts, self.error, self.asked = list(texts), error, 0

    async def receive(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.texts:
            return self.texts.pop(0)
        if self.error is not None:
            raise self.error
        return None


async def read(client, pause=0.0):
    found = []
    async with reading_ahead(client.receive) as ahead:
        while texts := await ahead.take():
            found.append(texts)
            await asyncio.sleep(pause)
    return found


class TestReadingAhead:
    def test_all_in_order(self):
        texts = [str(number) for number in range(100)]
        found = asyncio.run(read(Client(texts), pause=0.001))
        assert [text for some in found for text in some] == texts
        assert len(found) < 20

    def test_an_error_comes_in_its_turn(self):
        client, found = Client(["a", "b"], ValueError("binary")), []

        async def reading():
            async with reading_ahead(client.receive) as ahead:
                await asyncio.sleep(0.01)
                found.extend(await ahead.take())
                await ahead.take()

        with pytest.raises(ValueError, match="binary"):
            asyncio.run(reading())
        assert found == ["a", "b"]

    def test_it_holds_little(self):
        """Whoever sends faster than it is taken has to wait."""
        client = Client(["x" * 100_000] * 50)

        async def idle():
            async with reading_ahead(client.receive) as ahead:
                await asyncio.sleep(0.05)
                before = client.asked
                await ahead.take()
                await asyncio.sleep(0.05)
                return before, client.asked

        before, after = asyncio.run(idle())
        assert before <= 4
        assert before < after <= 2 * before

    def test_it_ends_with_the_block(self):
        class Silent:
            async def receive(self):
                await asyncio.sleep(3600)

        async def leave():
            async with reading_ahead(Silent().receive):
                await asyncio.sleep(0.01)
            return len(asyncio.all_tasks())

        assert asyncio.run(leave()) == 1
