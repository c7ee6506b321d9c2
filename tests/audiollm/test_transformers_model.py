"""Audio LLMs of transformers: small ones of the published kinds, saved, loaded, asked."""

from __future__ import annotations

import json

import numpy as np
import pytest

import voxguard
from voxguard.audiollm import EncodesAudio, Protected, ScoresText, TransformersModel
from voxguard.errors import ConfigurationError, ModelError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tiny_audio_llm import PROMPT, save_audio_llm  # noqa: E402

from recipes.train_audio_llm.architecture import build  # noqa: E402

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_audio_llm(tmp_path_factory.mktemp("audio-llm"))


@pytest.fixture(scope="module")
def model(folder):
    return TransformersModel(folder, device="cpu", max_new_tokens=8, local_files_only=True)


def test_it_answers_and_repeats(model, make_voice):
    answer = model(make_voice(), RATE, PROMPT)
    assert isinstance(answer, str)
    assert model(make_voice(), RATE, PROMPT) == answer


def test_it_hears(model, make_voice):
    scores = [
        model.score(samples, RATE, PROMPT, "a woman").log_probability
        for samples in (make_voice(), make_voice(speaker=1), np.zeros(RATE, np.float32), None)
    ]
    for other in scores[1:]:
        assert np.abs(scores[0] - other).max() > 1e-4


def test_scores_are_those_that_answers_are_made_from(model, make_voice):
    inputs = model.inputs(make_voice(), RATE, PROMPT)
    with torch.inference_mode():
        made = model.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=1,
            output_logits=True,
            return_dict_in_generate=True,
        )
    scores = model.score(make_voice(), RATE, PROMPT, "a woman")
    expected = made.logits[0][0].log_softmax(-1).numpy()
    np.testing.assert_allclose(scores.distribution[0], expected, atol=1e-3)


def test_scores_are_probabilities(model, make_voice):
    scores = model.score(make_voice(), RATE, PROMPT, "a woman")
    assert len(scores) == len(scores.log_probability) == len(scores.distribution)
    np.testing.assert_allclose(np.exp(scores.distribution).sum(1), 1.0, rtol=1e-4)
    assert (scores.log_probability <= scores.distribution.max(1)).all()


def test_the_sum_over_tokens_is_the_text_given_all_before(model, make_voice):
    whole = model.score(make_voice(), RATE, PROMPT, "a woman").log_probability
    first = model.score(make_voice(), RATE, PROMPT, "a").log_probability
    np.testing.assert_allclose(whole[: len(first)], first, atol=1e-4)


def test_states_leave_padding_out(model, make_voice):
    short, long = (model.states(make_voice(seconds=s), RATE) for s in (1.0, 2.0))
    assert short.shape == (25, 64)
    assert long.shape == (50, 64)
    assert short.dtype == np.float32


def test_it_resamples(model, make_voice):
    wide = make_voice(seconds=2.0, sample_rate=48_000)
    assert model.states(wide, 48_000).shape == (50, 64)


def test_other_weights_have_another_digest(folder, model):
    again = TransformersModel(folder, device="cpu")
    assert again.weights == model.weights
    with torch.no_grad():
        next(again.model.parameters()).view(-1)[0] += 1e-3
    del again.weights
    assert again.weights != model.weights


def test_abilities(model):
    assert isinstance(model, ScoresText)
    assert isinstance(model, EncodesAudio)


def test_protected_the_model_hears_the_anonymized_clip_only(model, make_voice):
    anonymizer = voxguard.McAdams(coefficient=0.8)
    clip = make_voice(seconds=2.0)
    protected = Protected(model, anonymizer)
    anonymized = anonymizer(clip, RATE)
    np.testing.assert_array_equal(protected.states(clip, RATE), model.states(anonymized, RATE))
    assert protected(clip, RATE, PROMPT) == model(anonymized, RATE, PROMPT)
    np.testing.assert_array_equal(
        protected.score(clip, RATE, PROMPT, "a").log_probability,
        model.score(anonymized, RATE, PROMPT, "a").log_probability,
    )
    assert protected(None, RATE, PROMPT) == model(None, RATE, PROMPT)
    assert protected.name.endswith("behind mcadams")


def test_an_anonymizer_that_fails_lets_nothing_through(model, make_voice):
    def broken(samples, sample_rate):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        Protected(model, broken)(make_voice(), RATE, PROMPT)


def test_temperature_draws_by_seed(folder, make_voice):
    def answers(seed):
        model = TransformersModel(folder, device="cpu", temperature=2.0, seed=seed)
        return model(make_voice(), RATE, PROMPT)

    assert answers(1) == answers(1)
    assert len({answers(seed) for seed in range(4)}) > 1


def test_a_text_without_tokens_cannot_be_scored(model, make_voice):
    with pytest.raises(ModelError, match="without a token"):
        model.score(make_voice(), RATE, PROMPT, "")


def test_half_precision(folder, make_voice):
    model = TransformersModel(folder, device="cpu", dtype="bfloat16")
    assert model.states(make_voice(), RATE).dtype == np.float32


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"temperature": -1.0}, "temperature"),
        ({"dtype": "int8"}, "dtype"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_options_are_checked(folder, options, match):
    with pytest.raises(ConfigurationError, match=match):
        TransformersModel(folder, **options)


def test_what_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere"):
        TransformersModel(tmp_path / "nowhere", local_files_only=True)


def test_an_architecture_that_is_not_known(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["architectures"] = ["Brand_NewForConditionalGeneration"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match=r"Brand_New.*no code from the hub"):
        TransformersModel(tmp_path)


def test_a_processor_without_audio(tmp_path):
    tokens = build(["a"], seconds=1)[1].tokenizer
    tokens.save_pretrained(tmp_path)
    transformers.Qwen2Config().save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match="takes no audio"):
        TransformersModel(tmp_path)


def test_another_architecture(tmp_path, make_voice):
    """Audio Flamingo 3: other tokens, another place for the audio, clips padded to 30 s."""
    tokenizer = build(["a man", "a woman"], seconds=1)[1].tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": ["<sound>"]})
    template = (
        "{% for part in messages[0]['content'] %}"
        "{{ '<sound>' if part['type'] == 'audio' else part['text'] }}{% endfor %}"
    )
    transformers.AudioFlamingo3Processor(
        feature_extractor=transformers.WhisperFeatureExtractor(feature_size=32),
        tokenizer=tokenizer,
        chat_template=template,
    ).save_pretrained(tmp_path)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.AudioFlamingo3Config(
        audio_config={"num_mel_bins": 32, "intermediate_size": 64, **size},
        text_config={
            "model_type": "qwen2",
            "vocab_size": len(tokenizer),
            "intermediate_size": 64,
            "num_key_value_heads": 2,
            **size,
        },
        audio_token_id=tokenizer.convert_tokens_to_ids("<sound>"),
    )
    transformers.AudioFlamingo3ForConditionalGeneration(config).save_pretrained(tmp_path)
    model = TransformersModel(tmp_path, device="cpu", max_new_tokens=4)
    assert isinstance(model(make_voice(), RATE, PROMPT), str)
    assert isinstance(model(None, RATE, PROMPT), str)
    assert len(model.score(make_voice(), RATE, PROMPT, "a man")) >= 2
    assert 25 <= len(model.states(make_voice(), RATE)) <= 26
