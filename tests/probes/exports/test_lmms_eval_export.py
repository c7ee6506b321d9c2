"""The task group for lmms-eval: read as lmms-eval reads it, and scored through its functions."""

from __future__ import annotations

import importlib.util
import json
import math

import pytest
import yaml

import voxguard
from voxguard.audio import AudioWriter
from voxguard.evaluation import Manifest, Utterance
from voxguard.probes.exports import export_lmms_eval

RATE = 16_000


@pytest.fixture(scope="module")
def exported(tmp_path_factory, make_voice):
    folder = tmp_path_factory.mktemp("lmms")
    clips = []
    for number in range(4):
        path = folder / f"{number}.wav"
        with AudioWriter(path, RATE, 1) as file:
            file.write(make_voice(seconds=0.5, speaker=number)[None])
        sex = {"sex": "FFFM"[number]}
        clips.append(Utterance(f"u{number}", path, f"s{number}", labels=sex))
    out = folder / "tasks"
    return export_lmms_eval(
        out,
        Manifest("four", tuple(clips)),
        anonymizers={"mcadams": voxguard.McAdams()},
        systems=["mcadams", "no-audio"],
        prompts=["direct", "chain-of-thought"],
        forms=["open", "closed"],
    )


@pytest.fixture(scope="module")
def tasks(exported):
    """Name to configuration, with functions in their place, as lmms-eval makes it."""

    class Loader(yaml.SafeLoader):
        pass

    def function(loader, node):
        module, name = loader.construct_scalar(node).split(".")
        spec = importlib.util.spec_from_file_location(module, exported.folder / f"{module}.py")
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return getattr(loaded, name)

    Loader.add_constructor("!function", function)
    configurations = [
        yaml.load(path.read_text(), Loader)  # noqa: S506
        for path in exported.folder.glob("*.yaml")
    ]
    return {c.get("task") if "group" not in c else c["group"]: c for c in configurations}


def docs_of(task):
    with open(task["dataset_kwargs"]["data_files"]["test"]) as file:  # noqa: PTH123
        return [json.loads(line) for line in file]


def test_groups_name_tasks_that_are_there(tasks):
    assert set(tasks["voxguard_leak"]["task"]) == {
        "voxguard_leak_mcadams",
        "voxguard_leak_no_audio",
    }
    for group in tasks["voxguard_leak"]["task"]:
        assert len(tasks[group]["task"]) == 4
        assert set(tasks[group]["task"]) <= set(tasks)


def test_a_task_gives_audio_text_and_target(tasks):
    task = tasks["voxguard_leak_mcadams_sex_direct_closed"]
    docs = docs_of(task)
    assert len(docs) == 4
    (audio,) = task["doc_to_visual"](docs[0])
    assert (audio["array"].shape, audio["sampling_rate"]) == ((8000,), RATE)
    around = {"pre_prompt": "<", "post_prompt": ">"}
    assert task["doc_to_text"](docs[0], around) == f"<{docs[0]['prompt']}>"
    assert task["doc_to_target"](docs[0]) in ("female", "male")
    silent = tasks["voxguard_leak_no_audio_sex_direct_open"]
    assert silent["doc_to_visual"](docs_of(silent)[0]) == []


def test_a_reasoned_answer_has_room_and_is_not_cut(tasks):
    direct, reasoned = (
        tasks[f"voxguard_leak_mcadams_sex_{how}_closed"]["generation_kwargs"]
        for how in ("direct", "chain_of_thought")
    )
    assert direct["max_new_tokens"] < reasoned["max_new_tokens"]
    assert reasoned["until"] == []  # the harness would stop at an empty line


def score(task, answers):
    outcomes = {}
    for doc, answer in zip(docs_of(task), answers, strict=True):
        for name, value in task["process_results"](doc, [answer]).items():
            outcomes.setdefault(name, []).append(value)
    return {
        one["metric"]: one["aggregation"](outcomes[one["metric"]]) for one in task["metric_list"]
    }


def test_answers_are_scored_by_the_rules_of_the_probe(tasks):
    task = tasks["voxguard_leak_mcadams_sex_direct_closed"]
    docs = docs_of(task)
    right = ["(" + "AB"[doc["options"].index(doc["answer"])] + ")" for doc in docs]
    assert score(task, right)["accuracy"] == 1.0
    always = score(task, ["It is a woman."] * 4)
    assert always["accuracy"] == always["chance_accuracy"] == 0.75
    assert always["balanced_accuracy"] == 0.5
    mixed = score(task, ["I cannot determine that.", "qwertz", "", right[3]])
    assert (mixed["accuracy"], mixed["refusal_rate"], mixed["unparsable_rate"]) == (0.25, 0.25, 0.5)


def test_reasoned_answers_count_by_their_last_line(tasks):
    task = tasks["voxguard_leak_mcadams_sex_chain_of_thought_open"]
    told = [
        "It could be a man.\n\nAnswer: female" if doc["answer"] == "female" else "Answer: a man"
        for doc in docs_of(task)
    ]
    assert score(task, told)["accuracy"] == 1.0


def test_one_class_alone_has_no_balanced_accuracy(tasks):
    task = tasks["voxguard_leak_mcadams_sex_direct_open"]
    women = [doc for doc in docs_of(task) if doc["answer"] == "female"]
    outcomes = [task["process_results"](doc, ["a woman"])["accuracy"] for doc in women]
    (balanced,) = (m for m in task["metric_list"] if m["metric"] == "balanced_accuracy")
    assert math.isnan(balanced["aggregation"](outcomes))


def test_the_harness_itself_takes_them(exported):
    """Where lmms-eval is installed beside voxguard."""
    pytest.importorskip("lmms_eval")
    from lmms_eval.tasks import TaskManager, get_task_dict

    manager = TaskManager(include_path=str(exported.folder), include_defaults=False)
    assert "voxguard_leak" in manager.all_tasks
    name = "voxguard_leak_mcadams_sex_direct_closed"
    (task,) = get_task_dict([name], manager).values()
    docs = list(task.test_docs())
    (audio,) = task.doc_to_visual(docs[0])
    assert audio["array"].shape == (8000,)
    outcome = task.process_results(docs[0], [docs[0]["answer"]])["accuracy"]
    assert task.aggregation()["accuracy"]([outcome]) == 1.0
