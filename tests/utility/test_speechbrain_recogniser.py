"""SpeechBrain's recogniser on a checkpoint made here, in the form in which models are published."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.utility.recognisers import create_recogniser

if missing := [m for m in ("speechbrain", "torch") if importlib.util.find_spec(m) is None]:
    pytest.skip(f"needs {', '.join(missing)}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")  # speechbrain and torchaudio warn of their own

HYPERPARAMETERS = """
encoder: !new:speechbrain.nnet.containers.LengthsCapableSequential
  fbank: !new:speechbrain.lobes.features.Fbank
    n_mels: 20
  linear: !new:speechbrain.nnet.linear.Linear
    input_size: 20
    n_neurons: 4
tokenizer: !new:speechbrain.dataio.encoder.CTCTextEncoder
decoding_function: !name:speechbrain.decoders.ctc_greedy_decode
  blank_id: 0
modules:
  encoder: !ref <encoder>
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
  loadables:
    encoder: !ref <encoder>
    tokenizer: !ref <tokenizer>
"""


@pytest.fixture
def checkpoint(tmp_path):
    """A model that hears ``h`` where it is loud and ``m`` where it is quiet."""
    import torch
    from speechbrain.dataio.encoder import CTCTextEncoder
    from speechbrain.lobes.features import Fbank
    from speechbrain.nnet.containers import LengthsCapableSequential
    from speechbrain.nnet.linear import Linear

    encoder = LengthsCapableSequential(
        fbank=Fbank(n_mels=20), linear=Linear(input_size=20, n_neurons=4)
    )
    with torch.no_grad():
        encoder.linear.w.weight.zero_()
        encoder.linear.w.weight[1] = 1.0  # "h": the level in dB, summed over the bands
        encoder.linear.w.bias.copy_(torch.tensor([-1e4, 0.0, -200.0, -1e4]))
    tokens = CTCTextEncoder()
    tokens.insert_blank(index=0)
    tokens.update_from_iterable("hmx", sequence_input=False)
    (tmp_path / "hyperparams.yaml").write_text(HYPERPARAMETERS)
    torch.save(encoder.state_dict(), tmp_path / "encoder.ckpt")
    tokens.save(tmp_path / "tokenizer.ckpt")
    return tmp_path


def test_it_hears_what_the_checkpoint_hears(checkpoint):
    recogniser = create_recogniser(f"speechbrain:{checkpoint}")
    rng = np.random.default_rng(0)
    loud, quiet = rng.normal(size=8_000), np.zeros(8_000)
    assert recogniser.transcribe(loud) == "h"
    assert recogniser.transcribe(quiet) == "m"
    assert recogniser.transcribe(np.concatenate([loud, quiet, loud])) == "hmh"
    assert recogniser.how.startswith("speechbrain 1")


def test_nothing_is_left_in_the_working_directory(checkpoint, tmp_path_factory, monkeypatch):
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    before = sorted(checkpoint.iterdir())
    create_recogniser(f"speechbrain:{checkpoint}").transcribe(np.ones(8_000))
    assert not [*here.iterdir()]
    assert sorted(checkpoint.iterdir()) == before


def test_the_weights_are_in_the_fingerprint(checkpoint):
    first = create_recogniser(f"speechbrain:{checkpoint}").fingerprint
    weights = checkpoint / "encoder.ckpt"
    weights.write_bytes(weights.read_bytes() + b"x")
    assert create_recogniser(f"speechbrain:{checkpoint}").fingerprint != first


def test_the_wrong_interface_is_told(checkpoint):
    recogniser = create_recogniser(f"speechbrain:{checkpoint}", interface="EncoderDecoderASR")
    with pytest.raises(ConfigurationError, match="interface that the model card names"):
        recogniser.transcribe(np.ones(8_000))
