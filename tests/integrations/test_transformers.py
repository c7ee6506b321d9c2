"""Real processors, made here with tiny vocabularies; what they compute is not of the raw voice."""

import pickle

import numpy as np
import pytest
from recordings import RATE, likeness, wav

import voxguard
from voxguard.errors import ConfigurationError, UnsupportedAudioError, VoxguardError

transformers = pytest.importorskip("transformers", reason="transformers is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")

from voxguard.integrations.transformers import protect  # noqa: E402

TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


@pytest.fixture(scope="module")
def voice():
    return voxguard.synthetic_voice(seconds=1.0)


@pytest.fixture
def raw_values():
    """An extractor whose output is the waveform itself: it shows what went in."""
    return transformers.Wav2Vec2FeatureExtractor(do_normalize=False, sampling_rate=RATE)


def tokenizer():
    words = ["<unk>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", "what", "is", "said"]
    model = tokenizers.models.WordLevel(
        {word: number for number, word in enumerate(words)},
        unk_token="<unk>",  # noqa: S106
    )
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token="<unk>",  # noqa: S106
        pad_token="<unk>",  # noqa: S106
        additional_special_tokens=words[1:4],
    )


@pytest.fixture
def qwen():
    return transformers.Qwen2AudioProcessor(
        feature_extractor=transformers.WhisperFeatureExtractor(feature_size=16),
        tokenizer=tokenizer(),
        chat_template=TEMPLATE,
    )


class Spy(voxguard.McAdams):
    """McAdams that remembers what it was given and what it gave."""

    def __init__(self, **options):
        super().__init__(**options)
        self.heard = []

    def render(self, samples, sample_rate, voice):
        made = super().render(samples, sample_rate, voice)
        self.heard.append((samples.copy(), sample_rate, made.copy()))
        return made


def features(extractor, samples):
    return np.asarray(extractor(samples, sampling_rate=RATE)["input_features"])


class TestExtractors:
    @pytest.mark.parametrize(
        "form",
        [
            lambda x: x,
            lambda x: [x],
            lambda x: x.tolist(),
            lambda x: [x.tolist()],
            lambda x: x[None],
            lambda x: np.stack([x, x]),
            lambda x: torch.from_numpy(x.copy()),
            lambda x: [torch.from_numpy(x.copy())],
            lambda x: x.astype(np.float64),
            lambda x: (x, x[:8000]),
        ],
    )
    def test_every_form(self, raw_values, voice, form):
        before = np.asarray(raw_values(form(voice), sampling_rate=RATE)["input_values"][0])
        made = protect(raw_values, voxguard.McAdams())(form(voice), sampling_rate=RATE)
        after = np.asarray(made["input_values"][0])
        assert after.shape == before.shape
        assert likeness(before, voice) > 0.99
        assert np.abs(after).max() > 0.01
        assert likeness(after, voice) < 0.9

    def test_by_name(self, raw_values, voice):
        made = protect(raw_values, voxguard.McAdams())(raw_speech=voice, sampling_rate=RATE)
        assert likeness(made["input_values"][0], voice) < 0.9

    def test_each_recording_has_a_voice_of_its_own(self, raw_values, voice):
        one, two = protect(raw_values, voxguard.McAdams())([voice, voice])["input_values"]
        assert not np.array_equal(one, two)
        made = protect(raw_values, voxguard.McAdams(), speaker="anna")([voice, voice])
        assert np.array_equal(*made["input_values"])

    def test_the_rate_is_the_call_s_or_the_extractor_s(self, voice):
        spy = Spy()
        extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=8_000)
        protect(extractor, spy)(voice[:8000])
        assert spy.heard[0][1] == 8_000
        with pytest.raises(ValueError, match="sampling rate"):
            protect(extractor, spy)(voice, sampling_rate=RATE)

    @pytest.mark.parametrize(
        "audio",
        ["a.wav", "https://host/a.wav", {"array": [0.0]}, np.zeros((16000, 2)), np.zeros((1, 2, 9)),
         np.zeros(()), b"RIFF", [["a"]], 7],
    )  # fmt: skip
    def test_what_is_not_understood(self, raw_values, audio):
        with pytest.raises(UnsupportedAudioError):
            protect(raw_values, voxguard.McAdams())(audio, sampling_rate=RATE)

    def test_nan(self, raw_values, voice):
        bad = voice.copy()
        bad[7] = np.nan
        with pytest.raises(VoxguardError, match="NaN"):
            protect(raw_values, voxguard.McAdams())([voice, bad])

    def test_a_method_that_breaks(self, raw_values, voice, broken):
        with pytest.raises(VoxguardError, match="RuntimeError") as caught:
            protect(raw_values, broken)(voice)
        assert "shows nothing" not in str(caught.value)

    def test_it_is_of_the_same_kind(self, raw_values, tmp_path):
        made = protect(raw_values, voxguard.McAdams())
        assert isinstance(made, transformers.Wav2Vec2FeatureExtractor)
        assert made.to_dict() == raw_values.to_dict()
        made.save_pretrained(tmp_path)
        loaded = transformers.AutoFeatureExtractor.from_pretrained(tmp_path)
        assert type(loaded) is transformers.Wav2Vec2FeatureExtractor

    def test_copies_are_protected(self, raw_values, voice):
        import copy

        made = protect(raw_values, voxguard.McAdams(), speaker="anna")
        expected = made(voice)["input_values"][0]
        for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # noqa: S301
            assert np.array_equal(again(voice)["input_values"][0], expected)


class TestProcessors:
    def test_whisper(self, voice):
        processor = transformers.WhisperProcessor(
            feature_extractor=transformers.WhisperFeatureExtractor(feature_size=16),
            tokenizer=tokenizer(),
        )
        spy = Spy()
        made = protect(processor, spy)
        for call in (
            lambda p: p(voice, sampling_rate=RATE),
            lambda p: p(audio=voice, sampling_rate=RATE),
            lambda p: p(audio=voice, sampling_rate=RATE, text="what is said"),
            lambda p: p.feature_extractor(voice, sampling_rate=RATE),
        ):
            spy.heard.clear()
            out, before = (
                np.asarray(call(made)["input_features"]),
                call(processor)["input_features"],
            )
            assert not np.allclose(out, before, atol=0.05)
            expected = features(processor.feature_extractor, spy.heard[0][2][0])
            assert np.allclose(out, expected, atol=1e-4)  # those of the anonymized voice

    def test_audio_and_text(self, qwen, voice):
        spy = Spy()
        text = "<|audio_bos|><|AUDIO|><|audio_eos|> what is said"
        made = protect(qwen, spy)(text=text, audio=[voice], sampling_rate=RATE)
        assert len(spy.heard) == 1
        expected = features(qwen.feature_extractor, spy.heard[0][2][0])
        assert np.allclose(
            np.asarray(made["input_features"])[..., :100], expected[..., :100], atol=1e-4
        )

    @pytest.mark.parametrize("key", ["audio", "path", "url"])
    def test_chat_template(self, qwen, voice, key, tmp_path):
        path = tmp_path / "voice.wav"
        path.write_bytes(wav(voice))
        held = voice if key == "audio" else str(path)
        conversation = [
            {
                "role": "user",
                "content": [{"type": "audio", key: held}, {"type": "text", "text": "what is said"}],
            }
        ]
        spy = Spy()
        made = protect(qwen, spy).apply_chat_template(
            conversation, tokenize=True, return_dict=True, return_tensors="pt"
        )
        (samples, rate, rendered) = spy.heard[0]
        assert rate == RATE
        assert likeness(samples[0], voice) > 0.99
        expected = features(qwen.feature_extractor, rendered[0])
        assert np.allclose(
            np.asarray(made["input_features"])[..., :100], expected[..., :100], atol=1e-4
        )

    def test_the_original_stays_as_it_is(self, qwen, voice):
        before = qwen.feature_extractor
        protect(qwen, voxguard.McAdams())
        assert qwen.feature_extractor is before
        assert type(before) is transformers.WhisperFeatureExtractor

    def test_in_a_pipeline_s_place(self, qwen):
        made = protect(qwen, voxguard.McAdams())
        assert isinstance(made, transformers.Qwen2AudioProcessor)
        again = pickle.loads(pickle.dumps(made.feature_extractor))  # noqa: S301
        with pytest.raises(ConfigurationError, match="already"):
            protect(again)

    def test_what_hears_nothing(self):
        for other in (tokenizer(), transformers.ViTImageProcessor()):
            with pytest.raises(ConfigurationError, match="no feature extractor for audio"):
                protect(other, voxguard.McAdams())

    def test_a_method_that_breaks(self, qwen, voice, broken):
        text = "<|audio_bos|><|AUDIO|><|audio_eos|> what is said"
        with pytest.raises(VoxguardError, match="RuntimeError"):
            protect(qwen, broken)(text=text, audio=[voice], sampling_rate=RATE)


def test_every_extractor_of_the_package_can_be_protected(voice):
    """Those that can be made without arguments and take one recording."""
    tried = []
    for name in [name for name in dir(transformers) if name.endswith("FeatureExtractor")]:
        kind = getattr(transformers, name, None)
        if not (
            isinstance(kind, type)
            and issubclass(kind, transformers.SequenceFeatureExtractor)
            and kind is not transformers.SequenceFeatureExtractor
        ):
            continue
        spy = Spy()
        try:
            extractor = kind()
            extractor(voice, sampling_rate=extractor.sampling_rate)
        except Exception:  # noqa: S112
            continue  # needs more than that
        made = protect(extractor, spy)
        made(voice, sampling_rate=extractor.sampling_rate)
        assert len(spy.heard) == 1, name
        tried.append(name)
    assert {"WhisperFeatureExtractor", "Wav2Vec2FeatureExtractor", "ClapFeatureExtractor"} <= set(
        tried
    )
    assert len(tried) >= 20, tried
