"""What the engines do with buffers, batch normalisation and batches of any structure."""

from __future__ import annotations

from collections import namedtuple

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from tiny_speakers import collate, flat, loss, network, people, trainer  # noqa: E402
from torch import nn  # noqa: E402

from voxguard.errors import ConfigurationError  # noqa: E402

ENGINES = ("microbatch", "vectorised")


def normalised():
    return network(nn.BatchNorm1d(8))


def test_batch_normalisation_keeps_its_buffers():
    model = normalised()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    training = trainer(people(10), model, sampling_rate=1.0)
    training.fit(2)
    assert set(before) == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, before[name]), name
    assert not torch.equal(model[1].weight, normalised()[1].weight)
    model(collate(people(1)["s00"])[0])  # public speech may still train them afterwards
    assert int(model[1].num_batches_tracked) == 1


def test_batch_normalisation_stays_within_a_speaker():
    model = normalised()
    speakers = people(4)
    training = trainer(speakers, model, sampling_rate=1.0, utterances=6, clipping_norm=1e6)
    found = flat(training.contribution("s02"))
    loss(model, collate(speakers["s02"])).backward()
    # Another order of the same six utterances: all of what is averaged over.
    torch.testing.assert_close(
        found, flat(p.grad for p in model.parameters()), rtol=1e-4, atol=1e-6
    )


def test_batch_normalisation_is_refused_by_the_vectorised_engine():
    with pytest.raises(ConfigurationError, match=r"1 \(BatchNorm1d\) keeps running statistics"):
        trainer(people(4), normalised(), engine="vectorised")
    model = normalised().eval()
    training = trainer(people(4), model, engine="vectorised", sampling_rate=1.0)
    training.step()
    model.train()
    with pytest.raises(ConfigurationError, match="keeps running statistics"):
        training.step()


def test_frozen_statistics_give_the_same_with_both_engines():
    models = [normalised().eval() for _ in ENGINES]
    for model, engine in zip(models, ENGINES, strict=True):
        trainer(people(6), model, engine=engine).fit(2)
    one, other = (flat(model.parameters()) for model in models)
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


class Remembers(nn.Module):
    """A layer that keeps what it heard, in three ways."""

    def __init__(self):
        super().__init__()
        self.register_buffer("written", torch.zeros(8))
        self.register_buffer("replaced", torch.zeros(8))
        self.register_buffer("empty", None)

    def forward(self, x):
        heard = x.detach().mean((0, 2))
        self.written.copy_(heard)
        self.replaced = heard
        self.empty = heard
        if "new" not in self._buffers:
            self.register_buffer("new", heard)
        return x + self.written[:, None]


def test_buffers_that_a_forward_pass_writes_are_put_back():
    model = network(Remembers())
    layer = model[1]
    written = layer.written
    trainer(people(5), model, sampling_rate=1.0).step()
    assert layer.written is written
    assert not layer.written.any()
    assert not layer.replaced.any()
    assert layer.empty is None
    assert set(dict(layer.named_buffers())) == {"written", "replaced"}


def test_buffers_are_put_back_when_the_loss_fails():
    def fails(model, batch):
        loss(model, batch)
        raise MemoryError

    model = normalised()
    with pytest.raises(MemoryError):
        trainer(people(5), model, loss=fails, sampling_rate=1.0).step()
    assert int(model[1].num_batches_tracked) == 0


Batch = namedtuple("Batch", "x y")
STRUCTURES = {
    "tuple": (lambda x, y: (x, y), lambda b: b),
    "list": (lambda x, y: [x, [y]], lambda b: (b[0], b[1][0])),
    "dictionary": (lambda x, y: {"x": x, "y": y}, lambda b: (b["x"], b["y"])),
    "named tuple": (Batch, lambda b: (b.x, b.y)),
}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_batches_of_any_structure(structure):
    pack, unpack = STRUCTURES[structure]
    updates = []
    for engine in ENGINES:
        training = trainer(
            people(5), engine=engine, collate=lambda said: pack(*collate(said)),
            loss=lambda model, batch: loss(model, unpack(batch)),
        )  # fmt: skip
        training.step()
        updates.append(flat(training.model.parameters()))
    torch.testing.assert_close(*updates, rtol=1e-5, atol=1e-6)


def test_batches_of_different_shapes_are_for_the_microbatch_engine():
    model = nn.Sequential(nn.Conv1d(3, 5, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    speakers = people(4)
    speakers["s02"] = [(x[:, :7], y) for x, y in speakers["s02"]]
    options = {"sampling_rate": 1.0}
    trainer(speakers, model, **options).step()
    with pytest.raises(ConfigurationError, match=r"equal shapes, got .*\(4, 3, 7\), \(4, 3, 10\)"):
        trainer(speakers, model, engine="vectorised", **options).step()


def test_what_is_no_tensor_is_for_the_microbatch_engine():
    def named(said):
        return (*collate(said), ["a name"] * len(said))

    options = {"collate": named, "sampling_rate": 1.0, "loss": lambda m, b: loss(m, b[:2])}
    trainer(people(4), **options).step()
    with pytest.raises(ConfigurationError, match="batches of tensors, got str"):
        trainer(people(4), engine="vectorised", **options).step()
    with pytest.raises(ConfigurationError, match="equally many"):
        trainer(
            people(4), engine="vectorised", sampling_rate=1.0, loss=lambda m, b: loss(m, b[:2]),
            collate=lambda said: (*collate(said), *[torch.zeros(1)] * int(said[0][1])),
        ).step()  # fmt: skip


def test_dropout_differs_between_speakers_who_are_vectorised():
    speakers = {name: people(1)["s00"] for name in ("a", "b")}
    model = network(nn.Dropout(0.5))
    training = trainer(
        speakers, model, engine="vectorised", noise_multiplier=0.0, sampling_rate=1.0,
        clipping_norm=1e6, utterances=6,
    )  # fmt: skip
    torch.manual_seed(0)
    _, gradients = training._engine.gradients([collate(speakers["a"])] * 2)
    assert not torch.equal(gradients[0][0], gradients[0][1])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kinds", [["float64"] * 4, ["bfloat16"] * 4, ["float32", "float64"] * 2])
def test_parameters_of_other_types(kinds, engine):
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ParameterList(
                torch.full((size,), 2.0, dtype=getattr(torch, kind))
                for size, kind in enumerate(kinds, start=1)
            )

        def forward(self, batch):
            return sum((part * batch.sum().to(part.dtype)).sum() for part in self.parts)

    speakers = {"a": [torch.ones(1)], "b": [torch.ones(1)]}
    model = Sum()
    training = trainer(
        speakers, model, engine=engine, noise_multiplier=0.0, sampling_rate=1.0, utterances=1,
        clipping_norm=1.0, collate=torch.stack, loss=lambda model, batch: model(batch),
    )  # fmt: skip
    report = training.step()
    assert report["norm"] == pytest.approx(10**0.5)
    for part, kind in zip(model.parts, kinds, strict=True):
        assert part.dtype == getattr(torch, kind)
        assert part.tolist() == pytest.approx([2.0 - 10**-0.5] * len(part), rel=5e-3)
