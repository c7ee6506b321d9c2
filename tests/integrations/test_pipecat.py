"""The filter in Pipecat's own input transport, in a pipeline that runs."""

import asyncio
import logging
import warnings

import numpy as np
import pytest
from recordings import likeness

import voxguard
from voxguard.errors import ConfigurationError, StreamError

pytestmark = pytest.mark.filterwarnings("ignore")  # those of Pipecat and what it brings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("pipecat", reason="Pipecat is not installed")
    from pipecat.frames.frames import (
        FilterEnableFrame,
        FilterUpdateSettingsFrame,
        InputAudioRawFrame,
        StartFrame,
    )
    from pipecat.tests.utils import SleepFrame, run_test
    from pipecat.transports.base_input import BaseInputTransport
    from pipecat.transports.base_transport import TransportParams

    from voxguard.integrations.pipecat import VoxguardFilter

RATE = 16_000
CHUNK = 320


class Microphone(BaseInputTransport):
    """An input transport to which audio comes from the pipeline's start."""

    async def start(self, frame: StartFrame):
        await super().start(frame)
        await self.set_transport_ready(frame)


@pytest.fixture(scope="module")
def voice():
    return voxguard.synthetic_voice(seconds=1.2, sample_rate=RATE)


def heard(voice, audio_filter, control=(), channels=1):
    """What the processor behind the transport gets; control frames go out before the audio."""
    pcm = (voice * 32767).astype("<i2")
    frames = [
        InputAudioRawFrame(pcm[at : at + CHUNK].tobytes(), RATE, channels)
        for at in range(0, len(pcm) - CHUNK + 1, CHUNK)
    ]
    params = TransportParams(
        audio_in_enabled=True, audio_in_sample_rate=RATE, audio_in_filter=audio_filter
    )

    async def go():
        down, _ = await run_test(
            Microphone(params),
            frames_to_send=[SleepFrame(0.05), *control, SleepFrame(0.05), *frames, SleepFrame(0.5)],
            start_timeout=10.0,
        )
        return b"".join(f.audio for f in down if isinstance(f, InputAudioRawFrame))

    return np.frombuffer(asyncio.run(go()), "<i2") / 32767


class TestInAPipeline:
    def test_without_it(self, voice):
        assert likeness(heard(voice, None), voice) > 0.99

    def test_it_is_anonymized(self, voice):
        out = heard(voice, VoxguardFilter(voxguard.McAdams()))
        assert len(voice) - 2 * CHUNK <= len(out) <= len(voice)  # the latency is still inside
        assert 0.01 < np.abs(out).max() <= 1.0
        assert likeness(out, voice) < 0.9

    def test_with_the_default(self, voice):
        out = heard(voice, VoxguardFilter())
        assert 0.01 < np.abs(out).max() <= 1.0
        assert likeness(out, voice) < 0.6

    def test_what_breaks_in_the_middle_is_silent_for_ever(self, voice, monkeypatch, caplog):
        audio_filter = VoxguardFilter(voxguard.McAdams())
        start = audio_filter.start

        async def start_and_break(sample_rate):
            await start(sample_rate)
            session, pushed = audio_filter._pcm._session, []
            push = session._renderer.push

            def breaks(samples):
                pushed.append(samples)
                if len(pushed) > 30:
                    raise RuntimeError("it broke, and shows nothing")
                return push(samples)

            monkeypatch.setattr(session._renderer, "push", breaks)

        monkeypatch.setattr(audio_filter, "start", start_and_break)
        with caplog.at_level("INFO"):
            out = heard(voice, audio_filter)
        assert audio_filter._pcm is None  # stopped
        assert out[: 20 * CHUNK].any()
        assert len(out) > 55 * CHUNK
        assert not out[30 * CHUNK :].any()
        assert likeness(out, voice) < 0.9
        ours = [record for record in caplog.records if record.name.startswith("voxguard")]
        assert [record.levelno for record in ours] == [logging.ERROR]
        assert "shows nothing" not in ours[0].getMessage()

    def test_disabling_it_mutes(self, voice):
        out = heard(voice, VoxguardFilter(voxguard.McAdams()), [FilterEnableFrame(enable=False)])
        assert len(out) > 0
        assert not out.any()

    def test_enabled_again(self, voice):
        control = [FilterEnableFrame(enable=False), FilterEnableFrame(enable=True)]
        out = heard(voice, VoxguardFilter(voxguard.McAdams()), control)
        assert out.any()
        assert likeness(out, voice) < 0.9

    def test_settings_change_nothing(self, voice):
        control = [FilterUpdateSettingsFrame(settings={"enable": False, "bypass": True})]
        out = heard(voice, VoxguardFilter(voxguard.McAdams()), control)
        assert out.any()
        assert likeness(out, voice) < 0.9


class TestTheFilter:
    def run(self, audio_filter, pieces, rate=RATE):
        async def go():
            await audio_filter.start(rate)
            return [await audio_filter.filter(piece) for piece in pieces]

        return asyncio.run(go())

    def test_odd_bytes(self, voice):
        pcm = (voice * 32767).astype("<i2").tobytes()
        key = bytes(32)
        odd = [pcm[at : at + 333] for at in range(0, len(pcm), 333)]
        made = b"".join(self.run(VoxguardFilter(voxguard.McAdams(key=key), speaker="a"), odd))
        whole = b"".join(self.run(VoxguardFilter(voxguard.McAdams(key=key), speaker="a"), [pcm]))
        assert made == whole[: len(made)]
        assert len(made) > 30_000

    def test_two_channels(self):
        voices = [voxguard.synthetic_voice(seconds=0.5, speaker=s) for s in (1, 2)]
        pcm = (np.stack(voices, axis=1) * 32767).astype("<i2").tobytes()
        out = self.run(VoxguardFilter(voxguard.McAdams(), channels=2), [pcm])[0]
        out = np.frombuffer(out, "<i2").reshape(-1, 2)
        for channel in (0, 1):
            assert likeness(out[:, channel], voices[channel]) < 0.9

    def test_before_start_and_after_stop(self):
        audio_filter = VoxguardFilter(voxguard.McAdams())
        assert asyncio.run(audio_filter.filter(b"\1\2" * 50)) == bytes(100)
        self.run(audio_filter, [bytes(640)])
        assert audio_filter.latency_ms > 0
        asyncio.run(audio_filter.stop())
        assert asyncio.run(audio_filter.filter(b"\1\2" * 50)) == bytes(100)

    def test_a_start_that_fails(self, broken):
        audio_filter = VoxguardFilter(broken)
        with pytest.raises(StreamError, match="no live session"):
            asyncio.run(audio_filter.start(RATE))
        assert audio_filter.failed
        assert asyncio.run(audio_filter.filter(b"\1\2" * 50)) == bytes(100)

    def test_what_is_no_audio(self):
        audio_filter = VoxguardFilter(voxguard.McAdams())
        out = self.run(audio_filter, [bytes(640), "text of ten", b"\1\2" * 50])
        assert out[1:] == [bytes(11), bytes(100)]
        assert audio_filter.failed

    def test_what_cannot_work_live(self):
        with pytest.raises(ConfigurationError, match="cannot work on a live signal"):
            VoxguardFilter(voxguard.VoiceConversion())
