"""The module: each item in a voice of its own, in every mode, or an error."""

import copy
import io
import pickle

import numpy as np
import pytest
from recordings import likeness

import voxguard
from voxguard.errors import ConfigurationError, UnsupportedAudioError, VoxguardError

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from voxguard.integrations.torch import Anonymize  # noqa: E402

RATE = 16_000


@pytest.fixture(scope="module")
def batch():
    voices = [voxguard.synthetic_voice(seconds=0.6, speaker=speaker) for speaker in (1, 2, 3)]
    return torch.from_numpy(np.stack(voices))


@pytest.fixture
def module():
    return Anonymize(voxguard.McAdams(), sample_rate=RATE)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_it_is_active_in_both_modes(module, batch, mode):
    made = getattr(module, mode)()(batch)
    assert made.shape == batch.shape
    for out, item in zip(made, batch, strict=True):
        assert 0.01 < out.abs().max() <= 1.0
        assert likeness(out, item) < 0.9


@pytest.mark.parametrize("shape", [(9600,), (1, 9600), (3, 9600), (3, 1, 9600), (2, 2, 9600)])
def test_shapes(module, batch, shape):
    waveform = batch[0].expand(shape).clone()
    before = waveform.clone()
    made = module(waveform)
    assert made.shape == shape
    assert torch.equal(waveform, before)
    assert not torch.equal(made, before)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int16, torch.int32]
)
def test_types(module, batch, dtype):
    scale = 1.0 if dtype.is_floating_point else float(torch.iinfo(dtype).max) * 0.9
    waveform = (batch * scale).to(dtype)
    made = module(waveform)
    assert made.dtype == dtype
    assert made.device == waveform.device
    assert likeness(made[0].float(), batch[0]) < 0.9
    assert made.abs().max() > 0.01 * scale


def test_each_item_has_a_voice_of_its_own(module, batch):
    made = module(batch[:1].repeat(3, 1))
    assert not torch.equal(made[0], made[1])
    assert not torch.equal(made[1], made[2])


def test_speakers_keep_theirs(module, batch):
    made = module(batch[:1].repeat(3, 1), speakers=["anna", "bert", "anna"])
    assert torch.equal(made[0], made[2])
    assert not torch.equal(made[0], made[1])


def test_another_rate(module):
    voice = torch.from_numpy(voxguard.synthetic_voice(seconds=0.5, sample_rate=8_000))
    assert module(voice, 8_000).shape == voice.shape


def test_no_item(module):
    assert module(torch.zeros(0, 100)).shape == (0, 100)


def test_it_has_nothing_to_train(module):
    assert list(module.parameters()) == []
    assert module.state_dict() == {}
    assert "McAdams" in repr(module)


def test_inside_a_model(module, batch):
    model = torch.nn.Sequential(module, torch.nn.Linear(9600, 2))
    model(batch).sum().backward()
    assert model[1].weight.grad is not None


def test_a_gradient_is_refused(module, batch):
    waveform = batch.clone().requires_grad_()
    with pytest.raises(ConfigurationError, match="not differentiable"):
        module(waveform)
    with torch.no_grad():
        assert not module(waveform).requires_grad


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
def test_copies(module, batch, again):
    made, other = (m(batch, speakers=["a", "b", "c"]) for m in (module, again(module)))
    assert torch.equal(made, other)


def test_saved_and_loaded(module, batch):
    stream = io.BytesIO()
    torch.save(module, stream)
    stream.seek(0)
    assert torch.load(stream, weights_only=False)(batch).shape == batch.shape


class Voices(torch.utils.data.Dataset):
    def __init__(self, module, batch):
        self.module, self.batch = module, batch

    def __len__(self):
        return len(self.batch)

    def __getitem__(self, index):
        return self.module(self.batch[index])


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_in_workers(module, batch, context):
    same = batch[:1].repeat(4, 1)
    loader = torch.utils.data.DataLoader(
        Voices(module, same), num_workers=2, batch_size=1, multiprocessing_context=context
    )
    made = torch.cat(list(loader))
    assert made.shape == same.shape
    assert len({out.numpy().tobytes() for out in made}) == 4  # no draw is there twice


def test_compiled(module, batch):
    compiled = torch.compile(torch.nn.Sequential(module, torch.nn.Linear(9600, 2)), backend="eager")
    assert compiled(batch).shape == (3, 2)


class TestBadOnes:
    def test_nan_in_one_item(self, module, batch):
        waveform = batch.clone()
        waveform[1, 5] = float("nan")
        with pytest.raises(VoxguardError, match="NaN"):
            module(waveform)

    def test_a_method_that_breaks(self, broken, batch):
        with pytest.raises(VoxguardError, match="RuntimeError") as caught:
            Anonymize(broken)(batch)
        assert "shows nothing" not in str(caught.value)

    @pytest.mark.parametrize("shape", [(), (2, 2, 2, 100)])
    def test_shapes(self, module, shape):
        with pytest.raises(UnsupportedAudioError, match="dimensions"):
            module(torch.zeros(shape))

    @pytest.mark.parametrize("dtype", [torch.bool, torch.complex64, torch.uint8])
    def test_types(self, module, dtype):
        with pytest.raises(UnsupportedAudioError):
            module(torch.zeros(2, 100, dtype=dtype))

    @pytest.mark.parametrize("speakers", [[], ["a"], "abc"])
    def test_speakers(self, module, batch, speakers):
        with pytest.raises(ConfigurationError, match="one name for each of 3"):
            module(batch, speakers=speakers)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu(module, batch):
    made = module(batch.cuda())
    assert made.is_cuda
    assert likeness(made[0].cpu(), batch[0]) < 0.9
