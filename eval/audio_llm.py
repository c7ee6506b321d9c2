"""The leak probes on the small audio LLM of recipes/train_audio_llm, raw and behind anonymizers.

    python -m recipes.train_audio_llm DATA/speech --work WORK --config voices.yaml
    python -m recipes.train_audio_llm DATA/speech --work WORK --config words.yaml
    python -m recipes.train_audio_llm DATA/speech --work WORK --config conversations.yaml
    python -m recipes.train_audio_llm DATA/speech --work WORK
    python -m recipes.train_audio_llm DATA/speech --work WORK --step members
    python -m recipes.train_audio_llm DATA/speech --work WORK --step members --anonymizer mcadams
    python -m eval.audio_llm --work WORK --data DATA

``DATA`` holds ``speech/manifest.csv`` and, for spoken secrets, ``attributes/manifest.csv`` with
recordings of single digits. Answers are kept in ``WORK/probes``, so that a run that was interrupted
goes on.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

import voxguard
from eval.run import HERE
from recipes.train_audio_llm.serve import make_app
from recipes.train_audio_llm.wordings import WHAT_FIRST, WRITE_DOWN, sentence
from voxguard.audio import AudioWriter, read, resample
from voxguard.audiollm import EndpointModel, TransformersModel
from voxguard.evaluation import Manifest, Utterance, read_manifest
from voxguard.gateway.app import create_app
from voxguard.gateway.settings import Settings
from voxguard.probes.attributes import PROMPTS
from voxguard.probes.catalogue import MEMBER, run
from voxguard.probes.document import ProbeDocument
from voxguard.probes.secrets import spoken_digits

RESULTS = HERE / "results" / "audio-llm"
_TELEPHONE_HZ = 8000
SYSTEMS: dict[str, Callable[[], Any]] = {
    "mcadams": voxguard.McAdams,
    "world": voxguard.World,
    "voice_conversion": voxguard.VoiceConversion,
}


@dataclass(frozen=True)
class Plan:
    """What is asked of which model about which clips.

    Attributes:
        probe: Name in the catalogue.
        model: Folder of the recipe's, in ``WORK``.
        clips: Manifests of the recipe, and what is taken of them.
        options: Of the probe.
        limit: Most clips.
        bare: Without anonymizers.
    """

    probe: str
    model: Path
    clips: Callable[..., Manifest]
    options: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None
    bare: bool = False


def strangers(work: Path, _: Path) -> Manifest:
    """Clips of speakers whom the model has not met."""
    return _cut(work).select({"part": "eval"})


def acquaintances(work: Path, _: Path) -> Manifest:
    """Clips that the model has not heard, of speakers whom it knows by name."""
    everybody = _cut(work)
    known = {u.speaker for u in everybody.utterances if u.labels["part"] == "held-out"}
    return everybody.select({"part": "held-out", "speaker": sorted(known)})


def beginnings(work: Path, _: Path) -> Manifest:
    """Clips of strangers that begin with a frequent word, which is asked for."""
    [listed] = (work / "words").glob("first-words-*/manifest.csv")
    return read_manifest(listed)


def conversations(work: Path, _: Path) -> Manifest:
    """Strangers by twos, the one of whom is enrolled, with a question about either."""
    return read_manifest(work / "conversations" / "conversations" / "manifest.csv")


def shifted(work: Path, data: Path) -> Manifest:
    """Clips that no model was trained on, half of which came by telephone and are no "members".

    What tells the halves apart is the telephone: a membership probe has to see that.
    """
    folder = work / "shifted"
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    found = []
    for clip in beginnings(work, data).utterances:
        member = bool(rng.random() < 0.5)
        path = clip.path if member else _by_telephone(clip, folder)
        labels = {**clip.labels, MEMBER: "yes" if member else "no"}
        found.append(
            replace(clip, path=path, transcript=sentence(clip.labels["answer"]), labels=labels)
        )
    return Manifest("a list with a telephone in it", tuple(found))


def _by_telephone(clip: Utterance, folder: Path) -> Path:
    path = folder / f"{clip.id}.flac"  # as the others: the format must not tell
    if not path.exists():
        samples, rate = read(clip.path)
        narrow = resample(samples, rate, _TELEPHONE_HZ)
        with AudioWriter(path, rate, 1) as file:
            file.write(resample(narrow, _TELEPHONE_HZ, rate))
    return path


def secrets(work: Path, data: Path) -> Manifest:
    """PINs and phone numbers that nobody has, of recordings of single digits."""
    made = work / "secrets"
    if (made / "manifest.csv").exists():
        return read_manifest(made / "manifest.csv")
    spoken = read_manifest(data / "attributes" / "manifest.csv")
    return spoken_digits(spoken, made, kinds={"PIN": 4, "phone number": 9}, per_speaker=4)


def _cut(work: Path) -> Manifest:
    [listed] = work.glob("clips*/manifest.csv")
    return read_manifest(listed)


def planted(work: Path, _: Path, *, trained_on: str) -> Manifest:
    """Members and non-members, drawn by lot."""
    folder = work / "base" / f"members-{trained_on}"
    sides = [read_manifest(folder / f"{side}.csv") for side in ("members", "non-members")]
    # In small letters, as the recipe has its models write.
    clips = tuple(
        replace(utterance, transcript=utterance.transcript.lower())
        for side in sides
        for utterance in side.utterances
    )
    return replace(sides[0], name="planted members", utterances=clips)


SERVED = "served"
VOICES, WORDS = Path("voices/model"), Path("words/model")
TALKS = Path("conversations/model")
SEX = {"attributes": ["sex"], "forms": ["open", "closed"]}
ATTACK = {
    "prompt": "Is the speaker a man or a woman?",
    "label": "sex",
    "answers": {"F": "A woman.", "M": "A man."},
    "steps": 40,
    "adaptive_steps": 20,
    "draws": 2,
}
PLANS = {
    "attributes": Plan("attributes", VOICES, strangers, SEX, limit=130),
    "speakers": Plan(
        "attributes",
        VOICES,
        acquaintances,
        {"attributes": ["speaker"], "forms": ["open"]},
        limit=136,
    ),
    "adversarial": Plan("adversarial", VOICES, strangers, ATTACK, limit=26),
    "utility": Plan("utility", WORDS, beginnings, {"tasks": ["questions"]}, limit=195),
    "beginnings": Plan(
        "attributes",
        WORDS,
        beginnings,
        {"attributes": ["sex"], "forms": ["open"], "states": False},
        limit=195,
    ),
    "prompts": Plan(
        "attributes",
        WORDS,
        beginnings,
        SEX | {"prompts": PROMPTS, "states": False},
        limit=65,
    ),
    "bystanders": Plan("bystanders", TALKS, conversations),
    "membership-shifted": Plan(
        "membership", WORDS, shifted, {"prompt": WHAT_FIRST, "conditions": ["raw"]}, bare=True
    ),
    "secrets": Plan("secrets", VOICES, secrets),
    "fairness": Plan("fairness", VOICES, strangers, limit=52),
    **{
        f"membership-{trained_on}": Plan(
            "membership",
            Path(f"base/members-{trained_on}"),
            partial(planted, trained_on=trained_on),
            {"prompt": WRITE_DOWN},
            bare=True,
        )
        for trained_on in ("raw", "mcadams")
    },
}


def main() -> None:
    """Run what was asked for, and write a document each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="of the recipe")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--probe", nargs="+", choices=[*PLANS, SERVED], default=[*PLANS, SERVED])
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    for name in given.probe:
        document = (served if name == SERVED else partial(probe, name))(given.work, given.data)
        document.write(given.out / f"{name}.json", overwrite=True)


def served(work: Path, data: Path) -> ProbeDocument:
    """Sex, asked openly through ``voxguard serve``: what the client sends is raw."""
    model = TransformersModel(work / VOICES, local_files_only=True, max_new_tokens=24)
    with _running(make_app(model)) as upstream:
        settings = Settings(
            upstream=upstream, method="mcadams", recording_workers=1, live_workers=0
        )
        with _running(create_app(settings)) as gateway:
            return run(
                "attributes",
                EndpointModel(f"{gateway}/v1", "voices/model behind voxguard serve, mcadams"),
                strangers(work, data),
                limit=52,
                # What silence tells is known from the probe without a gateway.
                **SEX | {"forms": ["open"], "conditions": ["raw", "no-audio"]},
            )


@contextmanager
def _running(app: Any) -> Iterator[str]:
    """A server on loopback, in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise SystemExit("a server did not start")
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def probe(name: str, work: Path, data: Path) -> ProbeDocument:
    """One probe, as it is planned here."""
    plan = PLANS[name]
    model = TransformersModel(work / plan.model, local_files_only=True, max_new_tokens=24)
    systems = {} if plan.bare else {system: make() for system, make in SYSTEMS.items()}
    return run(
        plan.probe,
        model,
        plan.clips(work, data),
        anonymizers=systems,
        record=work / "probes" / f"{name}.jsonl",
        limit=plan.limit,
        progress=lambda done, total: print(f"{name}: {done}/{total}", end="\r", file=sys.stderr),
        **plan.options,
    )


if __name__ == "__main__":
    main()
