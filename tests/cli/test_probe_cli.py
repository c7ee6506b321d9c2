"""``voxguard probe``, ``card`` and ``gate`` from the outside, on a small real model."""

import csv
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

pytest.importorskip("transformers")
pytest.importorskip("sklearn")

from tiny_audio_llm import save_audio_llm

from voxguard.audio import AudioWriter
from voxguard.probes.catalogue import PROBES
from voxguard.probes.document import ProbeDocument

RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_audio_llm(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def data(tmp_path_factory, make_voice):
    """Eight clips of four speakers."""
    folder = tmp_path_factory.mktemp("data")
    words = ["morning light", "evening shade", "sudden storm", "quiet water",
             "silver music", "broken stone", "golden field", "winter garden"]  # fmt: skip
    with (folder / "clips.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "speaker", "sex", "transcript", "split"])
        for i, text in enumerate(words):
            with AudioWriter(folder / f"{i}.wav", RATE, 1) as clip:
                clip.write(make_voice(seconds=1.0, speaker=i % 4, seed=i)[None])
            rows.writerow([f"{i}.wav", f"s{i % 4}", "FM"[i % 2], text, "ab"[i // 4]])
    return folder / "clips.csv"


def test_from_probes_to_a_gate(call, tmp_path, model, data):
    common = (data, "--model", model, "--device", "cpu", "--max-tokens", 4, "--method", "mcadams")
    code, out, err = call(
        "probe", "attributes", *common, "--output", tmp_path / "a.json",
        "--set", "forms=[closed]", "--set", "resamples=50",
    )  # fmt: skip
    assert code == 0, err
    assert b"advantage" in out
    assert b"note: age: skipped" in err
    found = ProbeDocument.read(tmp_path / "a.json")
    assert found.data["speakers"] == 4
    assert set(found.systems) == {"raw", "transcript", "silence", "no-audio", "mcadams"}
    code, out, err = call(
        "probe", "utility", *common, "--json", "--output", tmp_path / "u.json",
        "--record", tmp_path / "u.jsonl",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["counts"]["asked"] == 8 * 3
    assert len((tmp_path / "u.jsonl").read_text().splitlines()) == 1 + 8 * 3
    code, out, err = call(
        "card", tmp_path / "a.json", tmp_path / "u.json", "--system", "mcadams",
        "--output", tmp_path / "card.json", "--html", tmp_path / "card.html",
    )  # fmt: skip
    assert code == 0, err
    assert (tmp_path / "card.html").read_text().startswith("<!DOCTYPE html>")
    # A model of random weights understands nothing, so there is no utility to lose: not passed.
    code, out, err = call(
        "gate", tmp_path / "card.json", "--max-advantage", 1, "--max-utility-loss", 1
    )
    assert code == 1
    assert b"not clearly better than without ears" in out
    code, out, err = call("gate", tmp_path / "card.json", "--max-advantage", 1, "--json")
    assert code in (0, 1)
    assert json.loads(out)["passed"] is (code == 0)


class Reader(BaseHTTPRequestHandler):
    """A judge that says of every answer that it refuses, and keeps what it was sent."""

    sent: ClassVar[list] = []

    def do_POST(self):
        self.sent.append(self.rfile.read(int(self.headers["Content-Length"])))
        message = {"role": "assistant", "content": "REFUSED"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        body = json.dumps({"id": "x", "object": "chat.completion", "created": 0, "model": "j",
                           "choices": [choice]}).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


def test_a_judge_reads_answers_and_hears_nothing(call, tmp_path, model, data):
    pytest.importorskip("openai")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reader)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments = (
        "probe", "attributes", data, "--model", model, "--device", "cpu", "--max-tokens", 4,
        "--set", "forms=[open]", "--set", "resamples=50", "--set", "states=false",
        "--set", "conditions=[raw]", "--record", tmp_path / "a.jsonl",
        "--judge", "j", "--judge-endpoint", f"http://127.0.0.1:{server.server_port}/v1",
        "--judge-decides",
    )  # fmt: skip
    code, out, err = call(*arguments, "--output", tmp_path / "a.json")
    assert code == 0, err
    assert b"judge disagreement" in out
    found = ProbeDocument.read(tmp_path / "a.json")
    assert found.counts["judged"] == 8
    assert found.figure("refusal_rate", "raw").value == 1.0
    assert found.settings["judge"] == "j"
    texts = len(Reader.sent)
    assert 1 <= texts <= 8
    assert not any(b"input_audio" in body for body in Reader.sent)
    assert len((tmp_path / "a.judge.jsonl").read_text().splitlines()) == 1 + texts
    code, _, err = call(*arguments, "--output", tmp_path / "again.json")
    assert (code, len(Reader.sent)) == (0, texts), err
    server.shutdown()
    server.server_close()


def test_an_estimate_sends_nothing(call, data):
    code, out, err = call(
        "probe", "utility", data, "--endpoint", "http://127.0.0.1:9/v1", "--model", "m",
        "--method", "mcadams", "--estimate", "--audio-price", 60, "--where", "split=a",
    )  # fmt: skip
    assert code == 0, err
    assert out.startswith(b"12 requests, 0.2 minutes of audio")
    assert b"12.00 by the prices given" in out


def test_voices_are_not_sent_to_another_machine_unasked(call, data):
    arguments = ("--endpoint", "http://voxguard.invalid/v1", "--model", "m")
    code, _, err = call("probe", "utility", data, *arguments)
    assert code == 2
    assert b"raw voices" in err
    assert b"say --yes" in err


def test_answers_are_not_sent_to_another_machine_unasked(call, data):
    judge = ("--judge", "j", "--judge-endpoint", "http://voxguard.invalid/v1")
    code, _, err = call("probe", "attributes", data, "--model", "none", *judge)
    assert code == 2
    assert b"answered about the speakers" in err
    assert b"say --yes" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("singing",), "unknown probe 'singing'"),
        (("utility", "--set", "volume=3"), "no option 'volume'; it has tasks"),
        (("utility", "--set", "limit=3"), "no option 'limit'"),
        (("utility", "--set", "manifest=a"), "no option 'manifest'"),
        (("utility", "--where", "split"), "--where takes COLUMN=VALUE"),
        (("utility", "--where", "split=z"), "no recording with"),
        (("utility", "-o", "a=1"), "--option is of the one --method"),
        (("utility", "--method", "mcadams", "--method", "mcadams"), "given twice"),
        (("utility", "--requests-per-minute", "5"), "is of an --endpoint"),
        (("utility", "--judge-decides"), "are of a --judge"),
        (("utility", "--judge", "none", "--judge-endpoint", "http://127.0.0.1:9/v1"), "no judge"),
        (("membership",), "needs a column 'member'"),
    ],
)
def test_what_cannot_be_asked_is_told_before_a_model_is_loaded(call, data, arguments, message):
    name, *more = arguments
    code, out, err = call("probe", name, data, "--model", "none", *more)
    assert (code, out) == (2, b"")
    assert message.encode() in err


def test_the_help_names_every_probe(call):
    _, out, _ = call("probe", "--help")
    for name in PROBES:
        assert name.encode() in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gate", "clips.csv", "--max-advantage", "0.1"), "clips.csv is no JSON"),
        (("gate", "none.json", "--max-advantage", "0.1"), "none.json cannot be read"),
        (("card", "clips.csv", "--system", "raw"), "give --output, --html or both"),
    ],
)
def test_what_is_no_card(call, data, tmp_path, arguments, message):
    (tmp_path / "clips.csv").write_bytes(data.read_bytes())
    code, _, err = call(*arguments)
    assert code in (1, 2)
    assert message.encode() in err
