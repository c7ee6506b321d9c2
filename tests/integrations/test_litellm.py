"""The real proxy of LiteLLM in this process, an upstream on loopback, and what reaches it."""

import asyncio
import base64
import json
import os
import re
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
from loopback import Upstream
from recordings import Raw, b64, wav

import voxguard
from voxguard.errors import ConfigurationError
from voxguard.payloads.form import parse_form

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_TELEMETRY"] = "False"
pytestmark = pytest.mark.filterwarnings("ignore")  # those of LiteLLM and what it brings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    litellm = pytest.importorskip("litellm", reason="LiteLLM is not installed")
    proxy_server = pytest.importorskip(
        "litellm.proxy.proxy_server",
        reason="LiteLLM's proxy is not installed",
        exc_type=ImportError,
    )
    from fastapi import HTTPException
    from litellm.integrations.custom_logger import CustomLogger
    from starlette.testclient import TestClient

    from voxguard.integrations.litellm import VoxguardGuardrail

KWARGS = {"guardrail_name": "voxguard", "event_hook": "pre_call", "default_on": True}


class Logger(CustomLogger):
    """Keeps what LiteLLM would log."""

    def __init__(self):
        super().__init__()
        self.seen = []

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.seen.append(repr(kwargs))

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.seen.append(repr(kwargs))

    async def async_post_call_failure_hook(self, request_data, *_, **__):
        self.seen.append(repr(request_data))


class Broken(VoxguardGuardrail):
    def __init__(self, **options):
        super().__init__(**options)

        def render(*_, **__):
            raise RuntimeError("it broke, and shows nothing")

        self._anonymizer.open_stream = self._anonymizer.render = render


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as upstream:
        yield upstream


def proxy(upstream, folder, guardrail):
    config = {
        "model_list": [
            {
                "model_name": "m",
                "litellm_params": {"model": "openai/m", "api_base": upstream.url, "api_key": "k"},
            }
        ],
        "guardrails": [
            {
                "guardrail_name": "voxguard",
                "litellm_params": {
                    "guardrail": guardrail,
                    "mode": "pre_call",
                    "default_on": True,
                    "method": "mcadams",
                    "speaker_by": "user",
                },
            }
        ],
        "litellm_settings": {"num_retries": 0, "request_timeout": 20},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    litellm.callbacks = []
    asyncio.run(proxy_server.initialize(config=str(path)))
    return TestClient(proxy_server.app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(upstream, tmp_path_factory):
    client = proxy(
        upstream,
        tmp_path_factory.mktemp("litellm"),
        "voxguard.integrations.litellm.VoxguardGuardrail",
    )
    assert any(isinstance(callback, VoxguardGuardrail) for callback in litellm.callbacks)
    return client


@pytest.fixture(autouse=True)
def _fresh(upstream):
    upstream.requests.clear()


@pytest.fixture
def logger():
    logger = Logger()
    litellm.callbacks.append(logger)
    yield logger
    litellm.logging_callback_manager.remove_callback_from_all_lists(logger)


def chat(raw, **rest):
    part = {"type": "input_audio", "input_audio": {"data": raw.b64, "format": "wav"}}
    return {"model": "m", "messages": [{"role": "user", "content": [part]}], **rest}


def clip_of(body):
    body = json.loads(body)
    message = (body.get("messages") or body.get("input"))[0]
    return base64.b64decode(message["content"][-1]["input_audio"]["data"])


class TestThroughTheProxy:
    def test_chat(self, client, upstream, raw):
        answer = client.post("/v1/chat/completions", json=chat(raw))
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] == "Heard."
        (body,) = upstream.bodies
        assert not raw.is_in(body)
        assert not raw.is_heard_in(clip_of(body))

    def test_chat_streamed(self, client, upstream, raw):
        answer = client.post("/v1/chat/completions", json=chat(raw, stream=True))
        assert "Heard." in answer.text
        assert not raw.is_in(upstream.bodies[0])
        assert not raw.is_heard_in(clip_of(upstream.bodies[0]))

    def test_responses(self, client, upstream, raw):
        part = {"type": "input_audio", "input_audio": {"data": raw.b64, "format": "wav"}}
        body = {"model": "m", "input": [{"role": "user", "content": [part]}]}
        answer = client.post("/v1/responses", json=body)
        assert answer.status_code == 200, answer.text
        assert not raw.is_in(upstream.bodies[0])
        assert not raw.is_heard_in(clip_of(upstream.bodies[0]))

    @pytest.mark.parametrize("suffix", ["wav", "mp3"])
    def test_transcription(self, client, upstream, suffix):
        raw = Raw(suffix=suffix)
        answer = client.post(
            "/v1/audio/transcriptions",
            data={"model": "m", "prompt": "words"},
            files={"file": (f"Anna Nym.{suffix}", raw.content)},
        )
        assert answer.status_code == 200, answer.text
        (_, _, headers, body) = upstream.requests[0]
        assert not raw.is_in(body)
        assert b"Anna" not in body
        file = next(f for f in parse_form(headers["content-type"], body) if f.name == "file")
        assert file.filename == f"audio.{suffix}"
        assert not raw.is_heard_in(file.content)

    def test_one_user_keeps_one_voice(self, client, upstream, raw):
        for user in ("anna", "anna", "bert"):
            client.post("/v1/chat/completions", json=chat(raw, user=user))
        first, second, third = [clip_of(body) for body in upstream.bodies]
        assert first == second
        assert first != third

    def test_text_passes(self, client, upstream):
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "user": "anna"}
        assert client.post("/v1/chat/completions", json=body).status_code == 200
        body = {"model": "m", "input": "words"}
        assert client.post("/v1/embeddings", json=body).status_code == 200
        assert len(upstream.requests) == 2

    def test_nobody_can_turn_it_off(self, client, upstream, raw):
        for off in (
            {"disable_global_guardrails": True},
            {"guardrails": []},
            {"metadata": {"disable_global_guardrails": True, "guardrails": []}},
            {"litellm_metadata": {"disable_global_guardrail": True}},
        ):
            client.post("/v1/chat/completions", json=chat(raw, **off))
        assert len(upstream.bodies) >= 3
        assert not any(raw.is_in(body) for body in upstream.bodies)

    def test_nothing_raw_in_the_logs(self, client, upstream, raw, logger, caplog):
        with caplog.at_level("DEBUG"):
            client.post("/v1/chat/completions", json=chat(raw))
            upstream.failures = 1
            client.post("/v1/chat/completions", json=chat(raw))
            client.post("/v1/chat/completions", json=chat(raw, extra={"clip": raw.b64}))
        upstream.failures = 0
        assert len(logger.seen) >= 2
        assert not any(raw.is_in(seen.encode()) for seen in logger.seen)
        ours = [record for record in caplog.records if record.name.startswith("voxguard")]
        assert ours == []


class TestRefused:
    @pytest.fixture(autouse=True)
    def _nothing_left(self, upstream):
        yield
        assert upstream.requests == []

    @pytest.mark.parametrize(
        "parts",
        [
            [{"type": "audio_url", "audio_url": {"url": "https://host/raw.wav"}}],
            [{"type": "audio", "audio": "x"}],
            [{"type": "file", "file": {"file_id": "gs://b/raw.wav", "format": "audio/wav"}}],
            [{"type": "input_audio", "input_audio": {"data": "!", "format": "wav"}}],
        ],
    )
    def test_parts(self, client, parts):
        body = {"model": "m", "messages": [{"role": "user", "content": parts}]}
        answer = client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 400
        assert "voxguard: messages[0].content[0]" in answer.text

    def test_metadata(self, client, raw):
        body = {"model": "m", "metadata": {"a": raw.b64}, "messages": []}
        answer = client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 400
        assert "metadata" in answer.text

    def test_no_recording(self, client):
        answer = client.post(
            "/v1/audio/transcriptions", data={"model": "m"}, files={"file": ("a.wav", b"not audio")}
        )
        assert answer.status_code == 400
        assert "not recognised as audio" in answer.text

    def test_an_upload(self, client, raw):
        answer = client.post(
            "/v1/files", data={"purpose": "user_data"}, files={"file": ("a.wav", raw.content)}
        )
        assert answer.status_code in (400, 500)
        assert "acreate_file" in answer.text

    def test_anthropic_messages(self, client, raw):
        parts = [{"type": "text", "text": raw.b64}]
        body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": parts}]}
        assert client.post("/v1/messages", json=body).status_code == 400

    def test_a_method_that_breaks(self, upstream, raw, tmp_path, client, logger):
        module = types.ModuleType("broken_guardrail")
        module.Broken = Broken
        sys.modules["broken_guardrail"] = module
        before = litellm.callbacks
        try:
            broken = proxy(upstream, tmp_path, "broken_guardrail.Broken")
            litellm.callbacks.append(logger)
            answer = broken.post("/v1/chat/completions", json=chat(raw))
            assert answer.status_code == 500
            assert "RuntimeError" in answer.text
            assert "shows nothing" not in answer.text
            answer = broken.post(
                "/v1/audio/transcriptions",
                data={"model": "m"},
                files={"file": ("a.wav", raw.content)},
            )
            assert answer.status_code == 500
        finally:
            litellm.callbacks = before
        assert not any(raw.is_in(seen.encode()) for seen in logger.seen)


class TestTheHook:
    def run(self, data, call_type, **options):
        guardrail = VoxguardGuardrail(method="mcadams", **KWARGS, **options)
        return asyncio.run(guardrail.async_pre_call_hook(None, None, data, call_type))

    @pytest.mark.parametrize(
        "call_type",
        [
            "_arealtime", "_aresponses_websocket", "acreate_file", "acreate_batch",
            "pass_through_endpoint", "video_generation", "image_edit", "call_mcp_tool", "new_kind",
        ],
    )  # fmt: skip
    def test_kinds_that_could_carry_a_voice(self, call_type):
        data = {"model": "m", "input": "a voice"}
        with pytest.raises(HTTPException) as caught:
            self.run(data, call_type)
        assert caught.value.status_code == 400
        assert "is not sent" in str(caught.value.detail)
        assert data == {"model": "m"}

    def test_python_objects(self, raw):
        with pytest.raises(HTTPException):
            self.run({"model": "m", "messages": [], "extra": raw.content}, "acompletion")

    def test_what_unpacks_to_hours(self):
        bomb = b64(wav(np.zeros(48_000 * 700, np.float32), 48_000, "flac"))
        part = {"type": "input_audio", "input_audio": {"data": bomb, "format": "flac"}}
        with pytest.raises(HTTPException) as caught:
            self.run({"messages": [{"role": "user", "content": [part]}]}, "acompletion")
        assert "longer than the 600 s" in str(caught.value.detail)

    def test_a_key_file_makes_it_repeatable(self, raw, tmp_path):
        path = tmp_path / "key"
        path.write_text(voxguard.generate_key().hex())
        made = [
            self.run(chat(raw, user="anna"), "acompletion", key_file=str(path), speaker_by="user")
            for _ in range(2)
        ]
        assert made[0]["messages"] == made[1]["messages"]

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"event_hook": "post_call"}, "pre_call, got post_call"),
            ({"event_hook": "during_call"}, "pre_call, got during_call"),
            ({"event_hook": ["pre_call", "logging_only"]}, "got pre_call, logging_only"),
            ({"event_hook": None}, "pre_call, got None"),
            ({"default_on": False}, "default_on: true"),
            ({"run_in_parallel": True}, "run_in_parallel would throw"),
            ({"scan_raw_request": True}, "scan_raw_request would throw"),
            ({"method": "no_such"}, "no_such"),
            ({"method_options": {"nope": 1}}, "no option 'nope'"),
            ({"key_file": "/no/such/file"}, "cannot be read"),
            ({"speaker_by": "mood"}, "takes user or key"),
        ],
    )
    def test_ways_in_which_it_does_not_start(self, options, match):
        with pytest.raises(ConfigurationError, match=match):
            VoxguardGuardrail(**{**KWARGS, "method": "mcadams", **options})

    def test_the_configuration_on_the_page(self, tmp_path):
        page = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text()
        block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
        shown = yaml.safe_load(block)["guardrails"][0]["litellm_params"]
        assert shown.pop("guardrail") == f"{VoxguardGuardrail.__module__}.VoxguardGuardrail"
        (tmp_path / "key").write_text(voxguard.generate_key().hex())
        shown |= {"event_hook": shown.pop("mode"), "key_file": str(tmp_path / "key")}
        assert VoxguardGuardrail(**shown)._speaker_by == "user"

    def test_the_default_method(self):
        assert VoxguardGuardrail(**KWARGS)._anonymizer.name == "voice_conversion"
