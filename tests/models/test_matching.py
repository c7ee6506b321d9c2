"""WavLM's layer, and the matching set: against the plain formula, and never one person."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile
import tiny_checkpoints

from voxguard.errors import ConfigurationError, VoxguardError
from voxguard.models.matching import MatchingSet, speaker_folders
from voxguard.models.wavlm import WavLM

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

RATE = 16_000


@pytest.fixture(scope="module")
def wavlm_folder(tmp_path_factory):
    return tiny_checkpoints.save_wavlm(tmp_path_factory.mktemp("wavlm"))


@pytest.fixture(scope="module")
def wavlm(wavlm_folder):
    return WavLM(str(wavlm_folder), 2)


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    return tiny_checkpoints.save_voices(tmp_path_factory.mktemp("voices"), speakers=4, seconds=1.5)


class TestWavLM:
    @pytest.mark.parametrize("layer", [1, 2, 3])
    def test_it_is_the_hidden_states_of_that_layer(self, wavlm_folder, voice, layer):
        whole = transformers.WavLMModel.from_pretrained(wavlm_folder).eval()
        samples = np.pad(voice, (0, 80))  # as is, without bringing it to unit variance
        with torch.inference_mode():
            result = whole(torch.from_numpy(samples)[None], output_hidden_states=True)
        features = WavLM(str(wavlm_folder), layer).features(np.array(voice)[None])
        assert features.shape == (1, 50, 16)
        # half precision, on machines that multiply it in hardware
        torch.testing.assert_close(features, result.hidden_states[layer], atol=0.1, rtol=0.02)

    @pytest.mark.parametrize(("samples", "frames"), [(1, 1), (320, 1), (321, 2), (16_000, 50)])
    def test_a_frame_for_each_320_samples_begun(self, wavlm, samples, frames):
        assert wavlm.features(np.ones((2, samples), np.float32)).shape == (2, frames, 16)

    def test_no_such_layer(self, wavlm_folder):
        with pytest.raises(ConfigurationError, match=r"layer= takes 1 to 4 of .*, got 5"):
            WavLM(str(wavlm_folder), 5)

    def test_another_model_is_no_wavlm(self, tmp_path):
        """transformers would fill it with random weights, and only warn."""
        tiny_checkpoints.save_speecht5_hifigan(tmp_path)
        with pytest.raises(ConfigurationError, match=str(tmp_path)):
            WavLM(str(tmp_path), 1)

    def test_missing_weights(self, wavlm_folder, tmp_path):
        from safetensors.torch import load_file, save_file

        folder = shutil.copytree(wavlm_folder, tmp_path / "torn")
        state = load_file(folder / "model.safetensors")
        del state["encoder.layers.0.final_layer_norm.weight"]
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ConfigurationError, match=r"no weights for encoder\.layers\.0\.final"):
            WavLM(str(folder), 1)

    def test_a_revision_on_the_hub(self, wavlm, wavlm_folder, voice, tmp_path, monkeypatch):
        revisions = {
            "main": lambda place: tiny_checkpoints.save_wavlm(place, initializer_range=0.1),
            "v1": lambda place: shutil.copytree(wavlm_folder, place, dirs_exist_ok=True),
        }
        tiny_checkpoints.fill_hub_cache(tmp_path, "tester/wavlm", revisions)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        offline = {"local_files_only": True}
        samples = np.array(voice)[None]
        pinned = WavLM("tester/wavlm", 2, revision="v1", **offline).features(samples)
        assert torch.equal(pinned, wavlm.features(samples))
        newest = WavLM("tester/wavlm", 2, **offline).features(samples)
        assert not torch.allclose(newest, pinned, atol=0.1)
        with pytest.raises(ConfigurationError, match="local_files_only is set"):
            WavLM("tester/wavlm", 2, revision="v9", **offline)


class TestMatch:
    def test_against_the_plain_formula(self):
        rng = np.random.default_rng(0)
        speakers = [rng.standard_normal((n, 5)).astype(np.float32) for n in (30, 9, 20)]
        queries = rng.standard_normal((2, 7, 5)).astype(np.float32)
        weights = {2: 0.3, 0: 0.7}
        out = MatchingSet(speakers, 6).match(torch.from_numpy(queries), weights, 4).numpy()
        for place in np.ndindex(2, 7):
            expected = np.zeros(5)
            for index, weight in weights.items():
                own = speakers[index]
                query = queries[place]
                cosine = own @ query / np.linalg.norm(own, axis=1) / np.linalg.norm(query)
                expected += weight * own[np.argsort(-cosine)[:4]].mean(axis=0)
            np.testing.assert_allclose(out[place], expected, atol=1e-5)

    def test_whom_the_source_is_like_decides_nothing(self):
        """The source is speaker 0: still each speaker has his share in every frame."""
        own = np.eye(3, dtype=np.float32)
        speakers = [own[[i]].repeat(9, axis=0) for i in range(3)]
        out = MatchingSet(speakers, 6).match(torch.from_numpy(own[:1]), {0: 0.4, 1: 0.3, 2: 0.3}, 4)
        np.testing.assert_allclose(out.numpy(), [[0.4, 0.3, 0.3]], atol=1e-6)

    def test_too_few_frames_and_other_features(self):
        matching = MatchingSet([np.ones((3, 5), np.float32)] * 3, 6)
        with pytest.raises(ConfigurationError, match="k= takes at most 3"):
            matching.match(torch.ones(2, 5), {0: 1.0}, 4)
        with pytest.raises(ConfigurationError, match=r"has 5 dimensions.*have 6"):
            matching.match(torch.ones(2, 6), {0: 1.0}, 1)


class TestRecordings:
    def test_each_folder_is_a_speaker(self, wavlm, voices):
        whole = MatchingSet.from_recordings([voices], wavlm, 2, reference_s=60.0)
        assert len(whole.speakers) == 4
        listed = [voices / f"speaker-{n}" for n in range(4)]
        same = MatchingSet.from_recordings(listed, wavlm, 2, reference_s=60.0)
        for a, b in zip(whole.speakers, same.speakers, strict=True):
            assert np.array_equal(a, b)
            assert 40 < len(a) <= 75  # 50 a second, but for the pauses

    def test_no_more_than_is_wanted_of_each(self, wavlm, voices):
        short = MatchingSet.from_recordings([voices], wavlm, 2, reference_s=0.5)
        assert {len(each) for each in short.speakers} == {25}

    def test_the_level_of_a_recording_does_not_matter(self, wavlm, voices, tmp_path):
        for number in range(3):
            samples, _ = soundfile.read(voices / "speaker-0" / "a.wav", dtype="float32")
            folder = tmp_path / str(number)
            folder.mkdir()
            soundfile.write(folder / "a.wav", samples * 0.1**number, RATE, subtype="FLOAT")
        like = MatchingSet.from_recordings([tmp_path], wavlm, 2, reference_s=60.0).speakers
        assert np.corrcoef(like[0].ravel(), like[2].ravel())[0, 1] > 0.99

    @pytest.mark.parametrize("count", [1, 2])
    def test_one_or_two_voices_are_refused(self, wavlm, voices, count):
        few = [voices / f"speaker-{n}" for n in range(count)]
        with pytest.raises(ConfigurationError, match=rf"of {count} speaker\(s\).*a real person"):
            MatchingSet.from_recordings(few, wavlm, 2, reference_s=5.0)

    def test_who_speaks_must_be_clear(self, voices, tmp_path):
        mixed = shutil.copytree(voices, tmp_path / "mixed")
        shutil.copy(mixed / "speaker-0" / "a.wav", mixed)
        with pytest.raises(ConfigurationError, match="files beside folders"):
            speaker_folders([mixed])
        (tmp_path / "none").mkdir()
        (tmp_path / "none" / "notes.txt").write_text("no audio")
        with pytest.raises(ConfigurationError, match="holds no audio"):
            speaker_folders([tmp_path / "none"])
        with pytest.raises(ConfigurationError, match="is no folder"):
            speaker_folders([tmp_path / "none" / "notes.txt"])

    def test_silence_and_broken_files(self, wavlm, voices, tmp_path):
        folder = shutil.copytree(voices, tmp_path / "voices")
        soundfile.write(folder / "speaker-1" / "a.wav", np.zeros(RATE), RATE)
        with pytest.raises(ConfigurationError, match="speaker-1' holds nothing but digital"):
            MatchingSet.from_recordings([folder], wavlm, 2, reference_s=5.0)
        (folder / "speaker-1" / "a.wav").write_bytes(b"RIFF")
        with pytest.raises(VoxguardError, match=r"a\.wav"):
            MatchingSet.from_recordings([folder], wavlm, 2, reference_s=5.0)


class TestFile:
    def test_it_comes_back_in_half_precision(self, wavlm, voices, tmp_path):
        made = MatchingSet.from_recordings([voices], wavlm, 2, reference_s=60.0)
        made.save(tmp_path / "set.safetensors")
        again = MatchingSet.load(tmp_path / "set.safetensors")
        assert again.layer == 2
        for a, b in zip(made.speakers, again.speakers, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
        assert b"speaker-" not in (tmp_path / "set.safetensors").read_bytes()

    def test_other_files(self, tmp_path):
        from safetensors.numpy import save_file

        features = {"features": np.ones((4, 3), np.float16)}
        wrong = {
            "frames": ({**features, "frames": np.array([2, 1])}, {"layer": "6"}, "do not add up"),
            "layer": ({**features, "frames": np.array([2, 2])}, {"mel": "6"}, "no matching set"),
            "single": ({**features, "frames": np.array([4])}, {"layer": "6"}, r"1 speaker\(s\)"),
        }
        for name, (arrays, about, why) in wrong.items():
            save_file(arrays, tmp_path / name, metadata=about)
            with pytest.raises(ConfigurationError, match=why):
                MatchingSet.load(tmp_path / name)
        (tmp_path / "text").write_text("no set")
        for name in ("text", "absent"):
            with pytest.raises(ConfigurationError, match="no matching set"):
                MatchingSet.load(tmp_path / name)
