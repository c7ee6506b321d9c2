"""Who is answered, with what, and that no error carries audio."""

import asyncio
import base64
import json
import threading

import numpy as np
import pytest
import soundfile

from voxguard.anonymizers.mcadams import McAdams
from voxguard.audio import encode, read

pytest.importorskip("starlette")

from voxguard.demo import app as app_module
from voxguard.demo import job
from voxguard.demo.desk import BusyError, Desk
from voxguard.errors import VoxguardError

CALLS = [("GET", "/"), ("GET", "/app.js"), ("GET", "/api/methods"), ("POST", "/api/voice"),
         ("POST", "/api/recording"), ("POST", "/api/anonymize?method=mcadams")]  # fmt: skip


def post(client, method, content):
    return client.post(f"/api/anonymize?method={method}", content=content)


def assert_holds_no_audio(answer, content):
    """An error is a sentence, and nothing of the recording is in it."""
    assert set(answer.json()) == {"error"}
    assert len(answer.content) < 500
    samples, _ = read(content)
    for piece in (content[44:60], samples.tobytes()[:16]):
        assert piece not in answer.content
        assert base64.b64encode(piece)[:16] not in answer.content


@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_without_the_token_nothing_is_answered(client, recording, verb, path):
    right = str(client.base_url).split("/")[3]
    for token in ("", "/wrong", f"/{right}x", f"/{right[:-1]}", "/ä"):
        answer = client.request(verb, f"http://127.0.0.1:8000{token}{path}", content=recording)
        assert answer.status_code == 403, token
        assert b"RIFF" not in answer.content


@pytest.mark.parametrize(("verb", "path"), CALLS)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8000"},
        {"host": "127.0.0.1.evil.example:8000"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"origin": "https://127.0.0.1:8000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_other_sites_are_not_answered(client, recording, verb, path, headers):
    answer = client.request(verb, path, content=recording, headers=headers)
    assert answer.status_code == 403
    assert b"RIFF" not in answer.content


def test_the_page_itself_is_answered(client):
    for headers in (
        {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"},
        {"host": "localhost:8000", "origin": "http://localhost:8000"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ):
        assert client.get("/", headers=headers).status_code == 200


def test_every_answer_has_the_headers(client, recording):
    answers = [
        client.get("/"),
        client.get("/nothing.js"),
        client.get("/api/methods"),
        post(client, "no-such-method", recording),
        client.get("http://127.0.0.1:8000/wrong/"),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers


def test_the_page_brings_all_that_it_needs(client):
    page = client.get("/").text
    for name in ("app.js", "style.css", "icon.svg", "recorder-worklet.js"):
        assert client.get(f"/{name}").status_code == 200
    assert client.get("/app.js").headers["content-type"].startswith("text/javascript")
    assert "http" not in page.replace("http-equiv", "")
    assert "<script>" not in page
    assert "style=" not in page
    for name in ("../app.py", "%2e%2e/app.py", "..%2fapp.py"):
        assert client.get(f"/{name}").status_code in (403, 404)


def test_the_methods_are_those_of_the_registry(client, break_by):
    break_by("raise")
    about = client.get("/api/methods").json()
    found = {method["name"]: method for method in about["methods"]}
    assert found["mcadams"]["error"] is None
    assert found["voice_conversion"]["default"]
    assert about["methods"][0]["name"] == "voice_conversion"
    assert "vocoder" in found["knn_vc"]["error"]
    assert found["broken"]["error"] is None  # nothing is missing; it says so when it is used
    assert about["max_seconds"] == 60
    assert about["max_bytes"] == 20_000_000


def test_a_method_that_lacks_a_package_says_so(client, install):
    class Needy(McAdams):
        """Needs what is not there."""

        name = "needy"

        def render(self, samples, sample_rate, voice):
            from voxguard.models.optional import optional

            return optional("no_such_package", "neural", "needy")

        def open_stream(self, sample_rate, channels, voice, max_latency_ms):
            return self.render(None, 0, None)

    install("needy", Needy)
    found = {m["name"]: m for m in client.get("/api/methods").json()["methods"]}
    assert 'pip install "voxguard[neural]"' in found["needy"]["error"]
    assert found["needy"]["summary"] == "Needs what is not there."


def test_a_recording_is_anonymized(client, recording):
    answer = post(client, "mcadams", recording)
    assert answer.status_code == 200
    about = answer.json()
    before, rate = read(recording)
    after, same_rate = read(base64.b64decode(about["audio"]))
    assert (after.shape, same_rate) == (before.shape, rate)
    assert abs(np.corrcoef(before[0], after[0])[0, 1]) < 0.9
    assert about["seconds"] == 2.0
    assert about["elapsed_s"] > 0
    assert about["method"] == "mcadams"
    assert {"pitch", "level", "spectrogram", "likeness"} <= set(about)
    again = post(client, "mcadams", recording).json()
    assert again["audio"] != about["audio"]


def test_the_original_is_not_in_the_answer(client, recording):
    answer = post(client, "mcadams", recording)
    texts = [base64.b64encode(recording[at:])[4:60] for at in (44, 45, 46)]
    assert not any(text in answer.content for text in texts)


@pytest.mark.parametrize("kind", ["raise", "nan", "copy", "shape", "memory"])
def test_a_method_that_breaks_gives_no_audio(client, break_by, make_voice, kind):
    content = encode(make_voice(seconds=3.0)[None], 16_000, "wav")
    break_by(kind)
    answer = post(client, "broken", content)
    assert answer.status_code == 500
    assert_holds_no_audio(answer, content)
    assert post(client, "mcadams", content).status_code == 200  # and the next one works


@pytest.mark.parametrize("name", ["analyze", "likeness", "encode"])
def test_what_breaks_afterwards_gives_no_audio(client, monkeypatch, recording, name):
    def fail(*arguments, **options):
        raise RuntimeError(f"the samples were {arguments}")

    monkeypatch.setattr(job, name, fail)
    answer = post(client, "mcadams", recording)
    assert answer.status_code == 500
    assert_holds_no_audio(answer, recording)


def test_an_unknown_method(client, recording):
    for method in ("nope", "", "../x"):
        answer = post(client, method, recording)
        assert answer.status_code == 404
        assert_holds_no_audio(answer, recording)
    assert post(client, "knn_vc", recording).status_code == 409


@pytest.mark.parametrize("path", ["/api/recording", "/api/anonymize?method=mcadams"])
def test_bad_files(client, recording, path):
    nan = np.full((1, 8000), np.nan, np.float32)
    cases = {
        "nothing": (b"", 415),
        "noise": (np.random.default_rng(0).bytes(5000), 415),
        "text": (b"version https://git-lfs.github.com/spec/v1\n", 415),
        "cut short": (recording[:-1000], 400),
        "header alone": (recording[:44], 400),
        "half a header": (recording[:20], (400, 415)),
        "not finite": (_float_wav(nan), 400),
        "flac cut short": (encode(read(recording)[0], 16_000, "flac")[:-2000], 400),
    }
    for what, (content, status) in cases.items():
        answer = client.post(path, content=content)
        accepted = status if isinstance(status, tuple) else (status,)
        assert answer.status_code in accepted, what
        assert set(answer.json()) == {"error"}, what
        assert len(answer.content) < 500, what


def _float_wav(samples):
    import io

    stream = io.BytesIO()
    soundfile.write(stream, samples.T, 16_000, format="WAV", subtype="FLOAT")
    return stream.getvalue()


@pytest.mark.parametrize("path", ["/api/recording", "/api/anonymize?method=mcadams"])
def test_limits(client, monkeypatch, path):
    minute = np.zeros((1, 8_000 * 60), np.float32)
    assert client.post("/api/recording", content=encode(minute, 8_000, "flac")).status_code == 200
    longer = np.zeros((1, 8_000 * 61), np.float32)
    answer = client.post(path, content=encode(longer, 8_000, "flac"))
    assert answer.status_code == 413
    assert "60 s" in answer.json()["error"]
    monkeypatch.setattr(app_module, "MAX_BYTES", 1_000_000)
    answer = client.post(path, content=bytes(1_000_001))
    assert answer.status_code == 413
    assert "MB" in answer.json()["error"]


def test_many_channels_count_as_more(client):
    dense = encode(np.zeros((8, 48_000 * 20), np.float32), 48_000, "wav")
    answer = client.post("/api/recording", content=dense)
    assert answer.status_code == 413
    assert "8 channels" in answer.json()["error"]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
def test_what_is_read_can_be_played(client, stereo, suffix):
    answer = client.post("/api/recording", content=encode(stereo, 16_000, suffix))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    samples, rate = read(answer.content)
    assert (samples.shape, rate) == (stereo.shape, 16_000)
    assert answer.headers["x-channels"] == "2"
    assert float(answer.headers["x-seconds"]) == 1.0


def test_a_made_voice(client):
    answer = client.post("/api/voice")
    samples, rate = read(answer.content)
    assert samples.shape == (1, 5 * rate)
    assert np.abs(samples).max() > 0.05
    assert client.get("/api/voice").status_code == 405


def test_one_job_at_a_time():
    gate = threading.Event()

    async def both():
        desk = Desk()
        first = asyncio.create_task(desk.run("the first", gate.wait, 10))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await desk.run("the second", sum, (1, 2))
        gate.set()
        assert await first
        assert await desk.run("the third", sum, (1, 2)) == 3

    asyncio.run(both())


def test_a_busy_server_says_so(client, monkeypatch, recording):
    async def busy(*_):
        raise BusyError("still at work")

    monkeypatch.setattr(Desk, "run", busy)
    assert post(client, "mcadams", recording).status_code == 429


def test_a_foreign_error_keeps_its_words():
    def fail():
        raise ValueError("0.123 0.456")

    with pytest.raises(VoxguardError) as caught:
        asyncio.run(Desk().run("the job", fail))
    assert "0.123" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nothing_is_written_or_logged(client, recording, tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(0)
    post(client, "mcadams", recording)
    post(client, "nope", recording)
    client.post("/api/recording", content=recording)
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "asyncio"))]
    assert not ours
    assert json.dumps(recording[44:60].hex()) not in caplog.text
