"""Real tracks and the real AudioStream, which passes the raw frame on where a processor raises."""

import asyncio
import logging

import numpy as np
import pytest
from recordings import likeness

import voxguard
from voxguard.errors import ConfigurationError

rtc = pytest.importorskip("livekit.rtc", reason="LiveKit is not installed")

from voxguard.integrations.livekit import VoxguardProcessor  # noqa: E402

RATE = 24_000
FRAME = 240  # 10 ms, as WebRTC has them


@pytest.fixture(scope="module")
def voice():
    return voxguard.synthetic_voice(seconds=1.2, sample_rate=RATE)


def heard(voice, processor, seconds=1.2, rate=RATE, meanwhile=None):
    """What comes out of a stream of a microphone track, as float samples."""

    async def go():
        source = rtc.AudioSource(rate, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        stream = rtc.AudioStream(
            track, sample_rate=rate, num_channels=1, noise_cancellation=processor
        )
        pcm = (voice * 32767).astype("<i2")

        async def speak():
            step = rate // 100
            for at in range(0, len(pcm) - step + 1, step):
                frame = rtc.AudioFrame(pcm[at : at + step].tobytes(), rate, 1, step)
                await source.capture_frame(frame)

        speaking = asyncio.create_task(speak())
        out, sizes = [], set()
        async with asyncio.timeout(20):
            async for event in stream:
                out.append(np.frombuffer(event.frame.data, "<i2"))
                sizes.add(event.frame.samples_per_channel)
                if meanwhile is not None:
                    meanwhile(len(out))
                if sum(map(len, out)) >= seconds * rate:
                    break
        await speaking
        await stream.aclose()
        await source.aclose()
        assert sizes == {rate // 100}
        return np.concatenate(out) / 32767

    return asyncio.run(go())


class Raises(rtc.FrameProcessor):
    """A processor as peers write them."""

    enabled = True

    def _process(self, frame):
        raise RuntimeError("it broke")

    def _close(self):
        pass


class TestInAStream:
    def test_the_peer_s_way_passes_the_raw_voice(self, voice):
        assert likeness(heard(voice, Raises()), voice) > 0.99
        assert likeness(heard(voice, None), voice) > 0.99

    def test_it_is_anonymized(self, voice):
        processor = VoxguardProcessor(voxguard.McAdams())
        out = heard(voice, processor)
        assert 0.01 < np.abs(out).max() <= 1.0
        assert likeness(out, voice) < 0.9
        assert not processor.failed

    def test_with_the_default(self, voice):
        processor = VoxguardProcessor()
        out = heard(voice, processor)
        assert 0.01 < np.abs(out).max() <= 1.0
        assert likeness(out, voice) < 0.6

    def test_what_breaks_is_silent(self, voice, broken, caplog):
        with caplog.at_level("INFO"):
            out = heard(voice, VoxguardProcessor(broken))
        assert not out.any()
        ours = [record for record in caplog.records if record.name.startswith("voxguard")]
        assert [record.levelno for record in ours] == [logging.ERROR]
        assert "RuntimeError" in ours[0].getMessage()
        assert "shows nothing" not in caplog.text

    def test_what_breaks_in_the_middle_is_silent_from_there(self, voice, monkeypatch):
        processor = VoxguardProcessor(voxguard.McAdams())

        def meanwhile(count):
            if count == 40:
                monkeypatch.setattr(processor._pcm._session._renderer, "push", None)

        out = heard(voice, processor, meanwhile=meanwhile)
        assert out[: 30 * FRAME].any()
        assert not out[42 * FRAME :].any()
        assert processor.failed
        assert likeness(out, voice) < 0.9

    def test_even_what_cannot_be_caught_there_is_silent(self, voice, monkeypatch):
        """Should our own code raise: the frame that the stream passes on has been wiped."""
        processor = VoxguardProcessor(voxguard.McAdams())
        monkeypatch.setattr("voxguard.integrations.livekit.LivePcm", None)
        out = heard(voice, processor)
        assert not out.any()

    def test_disabling_it_mutes(self, voice):
        processor = VoxguardProcessor(voxguard.McAdams())
        processor.enabled = False
        assert processor.enabled
        assert not heard(voice, processor).any()

    def test_enabled_again(self, voice):
        processor = VoxguardProcessor(voxguard.McAdams())

        def meanwhile(count):
            processor.enabled = not 30 <= count < 60

        out = heard(voice, processor, meanwhile=meanwhile)
        assert not out[36 * FRAME : 60 * FRAME].any()
        assert out[70 * FRAME :].any()
        assert likeness(out, voice) < 0.9


def frames(processor, pcm, channels=1, rate=RATE, size=FRAME):
    out = []
    for at in range(0, pcm.shape[0] - size + 1, size):
        frame = rtc.AudioFrame(bytearray(pcm[at : at + size].tobytes()), rate, channels, size)
        made = processor._process(frame)
        assert (made.sample_rate, made.num_channels) == (rate, channels)
        assert made.samples_per_channel == size
        assert not np.frombuffer(frame.data, "<i2").any()  # wiped
        out.append(np.frombuffer(made.data, "<i2").reshape(-1, channels))
    return np.concatenate(out)


class TestFrames:
    def test_the_delay_is_the_latency(self, voice):
        processor = VoxguardProcessor(voxguard.McAdams(seed=1))
        out = frames(processor, (voice * 32767).astype("<i2"))
        late = round(processor.latency_ms * RATE / 1000)
        assert late > 0
        assert not out[:late].any()
        with voxguard.McAdams(seed=1).stream(RATE) as session:
            whole = session.push((voice * 32767).astype(np.int16))
        n = min(len(whole), len(out) - late)
        assert np.array_equal(out[late : late + n, 0], whole[:n])

    def test_two_channels(self):
        voices = [
            voxguard.synthetic_voice(seconds=0.5, sample_rate=RATE, speaker=s) for s in (1, 2)
        ]
        pcm = (np.stack(voices, axis=1) * 32767).astype("<i2")
        out = frames(VoxguardProcessor(voxguard.McAdams()), pcm, channels=2)
        for channel in (0, 1):
            assert out[:, channel].any()
            assert likeness(out[:, channel], voices[channel]) < 0.9

    def test_another_rate_in_the_middle(self, voice):
        processor = VoxguardProcessor(voxguard.McAdams())
        pcm = (voice * 32767).astype("<i2")
        assert frames(processor, pcm[:4800]).any()
        assert frames(processor, pcm[:9600], rate=48_000, size=480).any()
        assert frames(processor, pcm[:4800]).any()

    def test_read_only_frames(self, voice):
        pcm = (voice * 32767).astype("<i2")
        processor = VoxguardProcessor(voxguard.McAdams())
        frame = rtc.AudioFrame(memoryview(pcm[6000:6240].tobytes()), RATE, 1, FRAME)
        processor._process(frame)
        assert not np.frombuffer(frame.data, "<i2").any()

    def test_a_rate_that_no_method_takes(self, voice):
        processor = VoxguardProcessor(voxguard.McAdams())
        frame = rtc.AudioFrame(bytearray(b"\1\2" * 10), 1000, 1, 10)
        assert not any(processor._process(frame).data.tobytes())
        assert processor.failed
        assert not frames(processor, (voice * 32767).astype("<i2")).any()  # for ever

    def test_each_stream_has_a_voice_of_its_own(self, voice):
        processor = VoxguardProcessor(voxguard.McAdams())
        pcm = (voice * 32767).astype("<i2")
        first = frames(processor, pcm)
        processor._on_stream_info_updated(
            room_name="r", participant_identity="i", publication_sid="p"
        )
        second = frames(processor, pcm)
        processor._close()
        third = frames(processor, pcm)
        assert not np.array_equal(first, second)
        assert not np.array_equal(second, third)

    def test_a_speaker_keeps_one(self, voice):
        anonymizer = voxguard.McAdams()
        pcm = (voice * 32767).astype("<i2")
        made = [frames(VoxguardProcessor(anonymizer, speaker="anna"), pcm) for _ in range(2)]
        assert np.array_equal(*made)

    def test_what_cannot_work_live(self):
        with pytest.raises(ConfigurationError, match="cannot work on a live signal"):
            VoxguardProcessor(voxguard.World() if _has_world() else voxguard.VoiceConversion())


def _has_world():
    try:
        voxguard.World()
    except voxguard.VoxguardError:
        return False
    return True
