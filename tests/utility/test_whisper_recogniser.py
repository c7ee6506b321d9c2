"""faster-whisper on a model made here, converted as published ones are."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.utility.recognisers import create_recogniser

NEEDED = ("faster_whisper", "ctranslate2", "transformers", "tokenizers", "torch")
if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
    pytest.skip(f"needs {', '.join(missing)}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs, on converting


def tokenizer():
    """Letters, and the special tokens of Whisper for one language."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    words = "endoftext startoftranscript en translate transcribe startoflm startofprev nospeech"
    names = [*words.split(), "notimestamps", *(f"{0.02 * step:.2f}" for step in range(1501))]
    tokens.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in names])
    return tokens


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model that hears nothing but the letter k."""
    import ctranslate2
    import torch
    import transformers

    source = tmp_path_factory.mktemp("source")
    target = tmp_path_factory.mktemp("model") / "tiny-k"
    tokens = tokenizer()
    end = tokens.token_to_id("<|endoftext|>")
    roles = dict.fromkeys(("eos_token", "unk_token"), "<|endoftext|>")
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokens, **roles).save_pretrained(source)
    sizes = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    layers = {f"{part}_{what}": n for part in ("encoder", "decoder")
              for what, n in (("layers", 1), ("attention_heads", 2))}  # fmt: skip
    torch.manual_seed(0)
    whisper = transformers.WhisperForConditionalGeneration(
        transformers.WhisperConfig(
            **sizes,
            **layers,
            vocab_size=tokens.get_vocab_size(),
            pad_token_id=end,
            bos_token_id=end,
            eos_token_id=end,
            decoder_start_token_id=tokens.token_to_id("<|startoftranscript|>"),
        )
    )
    decoder = whisper.model.decoder
    with torch.no_grad():
        table = decoder.embed_tokens.weight
        table.copy_(torch.nn.functional.normalize(torch.randn_like(table), dim=1))
        decoder.layer_norm.weight.zero_()
        decoder.layer_norm.bias.copy_(100.0 * table[tokens.token_to_id("k")])
    settings = whisper.generation_config
    settings.suppress_tokens, settings.begin_suppress_tokens = [], []
    settings.alignment_heads = [[0, 0]]
    whisper.save_pretrained(source)
    converter = ctranslate2.converters.TransformersConverter(
        str(source), copy_files=["tokenizer.json"]
    )
    converter.convert(str(target))
    return target


def test_it_hears_what_the_model_hears(model, voice):
    recogniser = create_recogniser(f"faster-whisper:{model}", beam_size=2)
    heard = recogniser.transcribe(voice)
    assert set(heard) == {"k"}
    assert recogniser.transcribe(voice) == heard
    assert recogniser.how.startswith("faster-whisper 1")
    assert recogniser.how.endswith("tiny-k")


def test_the_weights_are_in_the_fingerprint(model):
    first = create_recogniser(f"faster-whisper:{model}").fingerprint
    (model / "more").write_bytes(b"x")
    assert create_recogniser(f"faster-whisper:{model}").fingerprint != first


def test_no_such_model(tmp_path):
    recogniser = create_recogniser(f"faster-whisper:{tmp_path}")
    with pytest.raises(ConfigurationError, match=r"a folder with model\.bin"):
        recogniser.transcribe(np.ones(8_000))
