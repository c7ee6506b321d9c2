"""What is spent stays spent: through crashes, damage, second processes and replays."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from voxguard.errors import ConfigurationError, OutputError
from voxguard.privacy import BudgetExceededError, Ledger, Mechanism, accounting, epsilon

pytest.importorskip("dp_accounting")

TERMS = {"unit": "speaker", "population": 1000}
WEAK = {"noise_multiplier": 3.0, "sampling_rate": 0.2}  # quick to account for
STEP = {"noise_multiplier": 1.0, "sampling_rate": 0.1}


def charged(path, steps, **terms):
    with Ledger(path, **{**TERMS, **terms}) as ledger:
        for step in range(ledger.steps, steps):
            ledger.charge(step, **STEP)
        return ledger.steps


def spend(ledger, **step):
    for number in range(ledger.steps, 10**6):
        ledger.charge(number, **step)


def test_the_account_outlives_the_object(tmp_path):
    path = tmp_path / "new folder" / "ledger.json"
    assert charged(path, 3) == 3
    with Ledger(path, **TERMS) as ledger:
        assert ledger.steps == 3
        assert ledger.mechanisms == [Mechanism(1.0, 0.1, 3)]
        assert ledger.epsilon() == epsilon(Mechanism(1.0, 0.1, 3), 1000**-1.1)


@pytest.mark.parametrize("path", [None, "ledger.json"])
def test_the_limit_is_kept_to_the_step(path, tmp_path):
    path = path and tmp_path / path
    with Ledger(path, **TERMS, max_epsilon=2.0) as ledger:
        planned = ledger.affordable(**WEAK, most=10**6)
        with pytest.raises(
            BudgetExceededError, match=r"limit of epsilon 2 .*: (2|1\.9\d*) are spent"
        ):
            spend(ledger, **WEAK)
        assert ledger.steps == planned
        assert ledger.epsilon() <= 2.0
        assert epsilon(Mechanism(3.0, 0.2, planned + 1), ledger.delta) > 2.0
        assert ledger.affordable(**WEAK, most=10**6) == 0
        with pytest.raises(BudgetExceededError):  # and it stays shut
            ledger.charge(planned, **WEAK)
        ledger.charge(planned - 1, **WEAK)  # a replay is still free
        before = ledger.epsilon()
        more = ledger.affordable(60.0, 0.2, most=10**6)  # for a little there may be room
        for step in range(planned, planned + more):
            ledger.charge(step, noise_multiplier=60.0, sampling_rate=0.2)
        assert before <= ledger.epsilon() <= 2.0
        with pytest.raises(BudgetExceededError):
            ledger.charge(planned + more, noise_multiplier=60.0, sampling_rate=0.2)
    if path:
        with Ledger(path, **TERMS, max_epsilon=2.0) as ledger, pytest.raises(BudgetExceededError):
            ledger.charge(planned + more, **WEAK)


def test_the_first_step_can_be_too_much():
    ledger = Ledger(None, **TERMS, max_epsilon=0.5)
    for noise in (0.3, 0.0):
        with pytest.raises(BudgetExceededError):
            ledger.charge(0, noise_multiplier=noise, sampling_rate=0.5)
    assert (ledger.steps, ledger.epsilon()) == (0, 0.0)


def test_without_a_limit_even_no_noise_is_written_down():
    ledger = Ledger(None, **TERMS)
    ledger.charge(0, noise_multiplier=0.0, sampling_rate=0.5)
    ledger.charge(1, **STEP)
    assert ledger.epsilon() == ledger.summary()["epsilon_rdp"] == math.inf


def test_thousands_of_steps_are_a_few_calculations():
    before = accounting._epsilon.cache_info().misses
    ledger = Ledger(None, **TERMS, max_epsilon=2.0)
    with pytest.raises(BudgetExceededError):
        spend(ledger, noise_multiplier=4.0, sampling_rate=0.02)
    assert ledger.steps > 3000
    assert accounting._epsilon.cache_info().misses - before < 60


def test_a_replay_is_free(tmp_path):
    path = tmp_path / "ledger.json"
    with Ledger(path, **TERMS) as ledger:
        for step in range(5):
            ledger.charge(step, **STEP, run="first")
        before = path.read_bytes()
        for step in (2, 3, 4, 0):
            ledger.charge(step, **STEP, run="first")
        assert path.read_bytes() == before
        ledger.charge(5, **STEP, run="first")
        assert ledger.steps == 6


@pytest.mark.parametrize(
    ("step", "changes", "message"),
    [
        (2, {"noise_multiplier": 1.1}, "step 2 was charged with noise multiplier 1 .* again with"),
        (0, {"sampling_rate": 0.2}, "step 0 was charged .* sampling rate 0.1"),
        (1, {"run": "second"}, "step 1 was charged by another run, whose noise"),
        (1, {"run": None}, "step 1 was charged by another run"),
        (4, {}, "step 4 follows 3 charged steps"),
        (-1, {}, "counted from 0 on, got -1"),
        (3, {"noise_multiplier": -1.0}, "noise_multiplier"),
        (3, {"sampling_rate": 0.0}, "sampling_rate"),
    ],
)
def test_what_is_no_replay_is_refused_and_not_charged(step, changes, message, tmp_path):
    path = tmp_path / "ledger.json"
    with Ledger(path, **TERMS) as ledger:
        for before in range(3):
            ledger.charge(before, **STEP, run="first")
        content = path.read_bytes()
        with pytest.raises(ConfigurationError, match=message):
            ledger.charge(step, **{**STEP, "run": "first", **changes})
        assert (ledger.steps, path.read_bytes()) == (3, content)


def test_other_figures_and_other_runs_may_follow(tmp_path):
    path = tmp_path / "ledger.json"
    changed = {"noise_multiplier": 2.0, "sampling_rate": 0.1}
    with Ledger(path, **TERMS) as ledger:
        ledger.charge(0, **STEP, run="first")
        ledger.charge(1, **STEP, run="second")
        ledger.charge(2, **changed, run="second")
        ledger.charge(3, **STEP, run="second")
    with Ledger(path, **TERMS) as ledger:
        once, twice = Mechanism(1.0, 0.1, 1), Mechanism(2.0, 0.1, 1)
        assert ledger.mechanisms == [once, once, twice, once]
        ledger.charge(2, **changed, run="second")
        with pytest.raises(ConfigurationError, match="another run"):
            ledger.charge(0, **STEP, run="second")
        whole = [Mechanism(1.0, 0.1, 3), twice]
        assert ledger.epsilon() == epsilon(whole, ledger.delta)


@pytest.mark.parametrize(
    "changes",
    [{"unit": "example"}, {"population": 1001}, {"delta": 1e-5}, {"max_epsilon": 8.0}],
)
def test_the_terms_are_those_it_was_begun_with(changes, tmp_path):
    path = tmp_path / "ledger.json"
    charged(path, 2, max_epsilon=9.0)
    content = path.read_bytes()
    with pytest.raises(ConfigurationError, match="another training: .*" + next(iter(changes))):
        Ledger(path, **{**TERMS, "max_epsilon": 9.0, **changes})
    assert path.read_bytes() == content
    assert charged(path, 3, max_epsilon=9.0) == 3  # and the lock was let go


def spoilt(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"\0" * 300),
        lambda path: path.write_bytes(b"\xff\xfe not utf-8"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("{}"),
        lambda path: path.write_text("null"),
        lambda path: spoilt(path, lambda content: content.update(format="another")),
        lambda path: spoilt(path, lambda content: content["charges"].clear()),
        lambda path: spoilt(path, lambda content: content.pop("charges")),
        lambda path: spoilt(path, lambda content: content["charges"][0].__setitem__(2, 1)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_a_damaged_account_is_no_fresh_one(damage, tmp_path):
    path = tmp_path / "ledger.json"
    charged(path, 7)
    damage(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigurationError, match=r"is damaged: .* restore it from a copy"):
        Ledger(path, **TERMS)
    if before is not None:
        assert path.read_bytes() == before


def test_what_an_interrupted_write_left_does_not_count(tmp_path):
    path = tmp_path / "ledger.json"
    charged(path, 7)
    (tmp_path / "ledger.json.part").write_bytes(b'{"format": "voxgu')
    assert charged(path, 8) == 8


CHARGER = """
import sys
from voxguard.privacy import Ledger
ledger = Ledger(sys.argv[1], unit="speaker", population=1000)
print("open", ledger.steps, flush=True)
for step in range(ledger.steps, 10**9):
    ledger.charge(step, noise_multiplier=1.0, sampling_rate=0.1)
    print(step, flush=True)
"""


def charger(path):
    return subprocess.Popen(
        [sys.executable, "-c", CHARGER, str(path)], stdout=subprocess.PIPE, text=True
    )


def test_killed_in_the_middle_of_writing_nothing_is_forgotten(tmp_path):
    path, paid = tmp_path / "ledger.json", 0
    for pause in (0.01, 0.03, 0.07, 0.15):
        with charger(path) as process:
            word, found = process.stdout.readline().split()
            assert word == "open"
            assert paid <= int(found) <= paid + 1  # at most the step that was being written
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            told = process.stdout.read().split("\n")[:-1]  # a line cut short was not told
            paid = int(told[-1]) + 1 if told else int(found)
    with Ledger(path, **TERMS) as ledger:
        assert paid <= ledger.steps <= paid + 1
        assert paid > 4


def test_a_second_process_is_turned_away(tmp_path):
    path = tmp_path / "ledger.json"
    with charger(path) as process:
        assert process.stdout.readline() == "open 0\n"
        with pytest.raises(ConfigurationError, match="in use by another training"):
            Ledger(path, **TERMS)
        process.kill()
    assert charged(path, 0) >= 0  # the lock went with the process


def test_a_second_object_is_turned_away_until_the_first_is_closed(tmp_path):
    path = tmp_path / "ledger.json"
    first = Ledger(path, **TERMS)
    with pytest.raises(ConfigurationError, match="in use"):
        Ledger(path, **TERMS)
    first.close()
    first.close()
    with Ledger(path, **TERMS), pytest.raises(ConfigurationError, match="is closed"):
        first.charge(0, **STEP)
    assert first.steps == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_cannot_charge(tmp_path):
    with Ledger(tmp_path / "ledger.json", **TERMS) as ledger:
        child = os.fork()
        if not child:
            try:
                ledger.charge(0, **STEP)
            except ConfigurationError:
                os._exit(42)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
        ledger.charge(0, **STEP)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_stops_the_training_and_forgets_nothing(call, tmp_path, monkeypatch):
    path = tmp_path / "ledger.json"
    with Ledger(path, **TERMS) as ledger:
        ledger.charge(0, **STEP)
        before = path.read_bytes()
        with monkeypatch.context() as patch:

            def full(*_):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            patch.setattr(*((os, "fsync") if call == "fsync" else (type(path), "replace")), full)
            with pytest.raises(OutputError, match=r"No space left.*no step may be taken"):
                ledger.charge(1, **STEP)
        assert (ledger.steps, path.read_bytes()) == (1, before)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["ledger.json", "ledger.json.lock"]
        ledger.charge(1, **STEP)
    assert charged(path, 2) == 2


def test_a_folder_that_cannot_be_is_an_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        Ledger(tmp_path / "file" / "ledger.json", **TERMS)


def test_the_summary_holds_what_a_reader_needs():
    ledger = Ledger(None, unit="client", population=50, max_epsilon=20.0)
    for step in range(3):
        ledger.charge(step, noise_multiplier=1.0, sampling_rate=0.2)
    summary = json.loads(json.dumps(ledger.summary()))
    assert summary["epsilon_pld"] < summary["epsilon_rdp"] < 20.0
    assert {name: summary[name] for name in ("unit", "adjacency", "population", "steps")} == {
        "unit": "client", "adjacency": "add or remove one", "population": 50, "steps": 3,
    }  # fmt: skip
    assert summary["delta"] == 50**-1.1
    assert summary["mechanisms"] == [{"noise_multiplier": 1.0, "sampling_rate": 0.2, "steps": 3}]


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"unit": "person"}, "unit is one of speaker, example, client"),
        ({"population": 1}, "at least 2 units"),
        ({"delta": 0.001}, r"between 0 and 1/1000, such as 0\.0005"),
        ({"delta": 0.0}, "between 0 and 1/1000"),
        ({"max_epsilon": 0.0}, "max_epsilon is above 0"),
        ({"max_epsilon": math.nan}, "max_epsilon is above 0"),
    ],
)
def test_terms_that_promise_nothing_are_refused(terms, message, tmp_path):
    with pytest.raises(ConfigurationError, match=message):
        Ledger(tmp_path / "ledger.json", **{**TERMS, **terms})
    assert not list(tmp_path.iterdir())
