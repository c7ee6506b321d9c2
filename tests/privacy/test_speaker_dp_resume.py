"""An interrupted training goes on to the bit, and pays for no step twice."""

from __future__ import annotations

import stat
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from tiny_speakers import cropped, flat, loss, network, people, trainer  # noqa: E402
from torch import nn  # noqa: E402

from voxguard.errors import ConfigurationError, OutputError  # noqa: E402
from voxguard.privacy import BudgetExceededError, Ledger  # noqa: E402


class PowerCutError(Exception):
    """Nothing catches it."""


def begin(ledger, *, init=0, **options):
    """A training with all that has a state: momentum, schedule, dropout, random crops."""
    model = network(nn.Dropout(0.3), seed=init)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    return trainer(
        people(12), model, optimizer=optimizer, scheduler=scheduler, ledger=ledger,
        **{"collate": cropped} | options,
    )  # fmt: skip


def open_ledger(path, **options):
    return Ledger(path, unit="speaker", population=12, **options)


def fails_in_step(number):
    """A loss that breaks off in the middle of a step: it is charged and not done."""
    calls = {"ledger": None}

    def fragile(model, batch):
        if calls["ledger"].steps == number + 1:
            raise PowerCutError
        return loss(model, batch)

    return calls, fragile


@pytest.mark.parametrize("engine", ["microbatch", "vectorised"])
def test_it_goes_on_to_the_bit_and_costs_nothing_more(engine, tmp_path):
    straight = begin(open_ledger(None), engine=engine)
    straight.fit(8)
    calls, fragile = fails_in_step(5)
    with open_ledger(tmp_path / "ledger.json") as ledger:
        calls["ledger"] = ledger
        with pytest.raises(PowerCutError):
            begin(ledger, engine=engine, loss=fragile).fit(
                8, checkpoint=tmp_path / "state.pt", every=3
            )
        assert ledger.steps == 6  # of which three are in the checkpoint
    with open_ledger(tmp_path / "ledger.json") as ledger:
        resumed = begin(ledger, engine=engine, init=1)  # as it would be in another process
        reports = resumed.fit(8, checkpoint=tmp_path / "state.pt", every=3)
        assert [report["step"] for report in reports] == [3, 4, 5, 6, 7]
        assert ledger.steps == 8
        assert ledger.epsilon() == straight.ledger.epsilon()
    assert torch.equal(flat(resumed.model.parameters()), flat(straight.model.parameters()))
    assert resumed.optimizer.param_groups[0]["lr"] == straight.optimizer.param_groups[0]["lr"]


def test_without_a_seed_what_was_released_is_released_again(tmp_path):
    first, second = {}, {}
    calls, fragile = fails_in_step(5)
    with open_ledger(tmp_path / "ledger.json") as ledger:
        calls["ledger"] = ledger
        with pytest.raises(PowerCutError):
            begin(ledger, seed=None, loss=fragile, on_release=first.__setitem__).fit(
                8, checkpoint=tmp_path / "state.pt", every=2
            )
    with open_ledger(tmp_path / "ledger.json") as ledger:
        begin(ledger, seed=None, on_release=second.__setitem__).fit(
            8, checkpoint=tmp_path / "state.pt"
        )
    assert sorted(first) == [0, 1, 2, 3, 4]
    assert sorted(second) == [4, 5, 6, 7]
    assert torch.equal(flat(first[4]), flat(second[4]))


def test_a_crash_in_the_first_step_is_covered(tmp_path):
    calls, fragile = fails_in_step(0)
    released = []
    with open_ledger(tmp_path / "ledger.json") as ledger:
        calls["ledger"] = ledger
        with pytest.raises(PowerCutError):
            begin(ledger, seed=None, loss=fragile).fit(2, checkpoint=tmp_path / "state.pt")
    with open_ledger(tmp_path / "ledger.json") as ledger:
        resumed = begin(ledger, seed=None, init=1, on_release=lambda *r: released.append(r))
        resumed.fit(2, checkpoint=tmp_path / "state.pt")
        assert ledger.steps == len(released) == 2


def test_fresh_noise_for_a_step_that_is_paid_is_refused(tmp_path):
    with open_ledger(tmp_path / "ledger.json") as ledger:
        begin(ledger, seed=None).fit(2)
    with open_ledger(tmp_path / "ledger.json") as ledger:
        for seed in (None, 3):
            again = begin(ledger, seed=seed)
            before = flat(again.model.parameters())
            with pytest.raises(ConfigurationError, match="another run"):
                again.step()
            assert torch.equal(flat(again.model.parameters()), before)
        assert ledger.steps == 2


@pytest.mark.parametrize("change", [{"init": 1}, {"clipping_norm": 0.6}, {"utterances": 3}])
def test_the_same_seed_with_something_else_is_another_run(change, tmp_path):
    with open_ledger(tmp_path / "ledger.json") as ledger:
        begin(ledger).fit(2)
        begin(ledger).fit(2)  # the very same: an exact repetition
        with pytest.raises(ConfigurationError, match="another run"):
            begin(ledger, **change).step()


def test_an_older_ledger_than_the_checkpoint_is_refused(tmp_path):
    begin(open_ledger(None)).fit(2, checkpoint=tmp_path / "state.pt")
    with pytest.raises(ConfigurationError, match="not accounted for"):
        begin(open_ledger(None)).fit(3, checkpoint=tmp_path / "state.pt")


def test_at_the_limit_the_checkpoint_is_written(tmp_path):
    ledger = open_ledger(None, delta=1e-6, max_epsilon=0.15)
    training = begin(ledger, noise_multiplier=60.0, sampling_rate=1.0)
    with pytest.raises(BudgetExceededError):
        training.fit(500, checkpoint=tmp_path / "state.pt", every=1000)
    again = begin(ledger, noise_multiplier=60.0, sampling_rate=1.0, init=1)
    assert again.fit(training.steps_done, checkpoint=tmp_path / "state.pt") == []
    assert again.steps_done == training.steps_done > 0
    assert torch.equal(flat(again.model.parameters()), flat(training.model.parameters()))


def test_a_trainer_may_go_on_in_pieces(tmp_path):
    straight, pieces = begin(open_ledger(None)), begin(open_ledger(None))
    straight.fit(5)
    seen = []
    pieces.fit(2, checkpoint=tmp_path / "state.pt")
    pieces.step()
    pieces.fit(
        5, checkpoint=tmp_path / "state.pt", progress=lambda n, report: seen.append((n, report))
    )
    assert [number for number, _ in seen] == [4, 5]
    assert torch.equal(flat(pieces.model.parameters()), flat(straight.model.parameters()))


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "state.pt"
    begin(open_ledger(None)).fit(1, checkpoint=path)
    with pytest.raises(ConfigurationError, match=r"clipping_norm was 0\.5 and is 0\.6"):
        begin(open_ledger(None), clipping_norm=0.6).fit(2, checkpoint=path)
    with pytest.raises(ConfigurationError, match="another seed"):
        begin(open_ledger(None), seed=4).fit(2, checkpoint=path)
    other = trainer(people(12), network(nn.Dropout(), nn.Conv1d(8, 8, 1)), seed=3, utterances=4)
    with pytest.raises(ConfigurationError, match="another model"):
        other.fit(2, checkpoint=path)


def test_a_damaged_checkpoint_is_not_taken_for_none(tmp_path):
    path = tmp_path / "state.pt"
    begin(open_ledger(None)).fit(1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        begin(open_ledger(None)).fit(2, checkpoint=path)


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes")
def test_a_checkpoint_is_for_its_owner_only(tmp_path):
    begin(open_ledger(None), seed=None).fit(1, checkpoint=tmp_path / "state.pt")
    assert stat.S_IMODE((tmp_path / "state.pt").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_a_checkpoint_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="could not be written"):
        begin(open_ledger(None)).fit(1, checkpoint=tmp_path / "file" / "state.pt")
