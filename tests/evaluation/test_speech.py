"""Renderings: made once, excluded with a reason, and never the original."""

from dataclasses import replace

import numpy as np
import pytest

import voxguard
from voxguard.arrays import Samples
from voxguard.audio import AudioWriter, read
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Utterance
from voxguard.evaluation.speech import Speech
from voxguard.evaluation.system import Folder, mono, system_of


def quiet(done, total):
    assert done <= total


@pytest.fixture
def utterances(tmp_path, make_voice):
    made = []
    for speaker in (1, 2):
        path = tmp_path / "data" / f"s{speaker}" / "one.wav"
        with AudioWriter(path, 16_000, 1) as file:
            file.write(make_voice(speaker=speaker)[None])
        made.append(Utterance(f"s{speaker}/one", path, f"s{speaker}"))
    return made


def speech(tmp_path, anonymizer, **more):
    return Speech(system_of(anonymizer, None, tmp_path / "data"), tmp_path / "work", **more)


def test_a_method_renders_once_and_is_taken_up_again(tmp_path, utterances):
    first = speech(tmp_path, voxguard.McAdams())
    assert first.render(utterances, 2, quiet) == utterances
    assert first.rendered == 4
    (one, other), again = first.anonymized(utterances), first.anonymized(utterances, 1)
    assert one.samples().shape == (16_000,)
    assert one.digest != again[0].digest != other.digest
    resumed = speech(tmp_path, voxguard.McAdams())
    resumed.render(utterances, 2, quiet)
    assert resumed.rendered == 0
    assert [r.digest for r in resumed.anonymized(utterances)] == [one.digest, other.digest]


class Elsewhere(voxguard.McAdams):
    """A plug-in: its code may change under the same name."""


@pytest.mark.parametrize(
    "other",
    [
        Elsewhere(),
        voxguard.McAdams(scope="session"),
        voxguard.McAdams(lpc_order=18),
        voxguard.McAdams(seed=1),
        lambda x, rate: -x,
    ],
)
def test_another_method_does_not_take_its_renderings(tmp_path, utterances, other):
    speech(tmp_path, voxguard.McAdams()).render(utterances, 1, quiet)
    second = speech(tmp_path, other)
    second.render(utterances, 1, quiet)
    assert second.rendered == 2


def test_a_callable_is_never_taken_up_again_since_its_code_may_have_changed(tmp_path, utterances):
    def negate(samples: Samples, rate: int) -> Samples:
        return -samples

    for _ in range(2):
        fresh = speech(tmp_path, negate)
        fresh.render(utterances, 1, quiet)
        assert fresh.rendered == 2


def test_one_pseudo_speaker_a_speaker_is_not_mixed_with_that_of_an_earlier_run(
    tmp_path, utterances
):
    for repeatable, fresh in [(None, 2), (3, 0)]:
        runs = [speech(tmp_path, voxguard.McAdams(seed=repeatable), speaker_level=True)
                for _ in range(2)]  # fmt: skip
        for run in runs:
            run.render(utterances, 1, quiet)
        assert runs[1].rendered == fresh


def test_originals_are_read_from_where_they_lie_and_not_written_down(tmp_path, utterances):
    original = speech(tmp_path, voxguard.McAdams())
    (recording, _) = original.original(utterances)
    original.render(utterances, 1, quiet)
    source, _ = read(utterances[0].path)
    np.testing.assert_array_equal(recording.samples(), source[0])
    for file in (tmp_path / "work").rglob("*.wav"):
        rendered, _ = read(file)
        assert abs(np.corrcoef(rendered[0], source[0])[0, 1]) < 0.99


def broken(kind):
    def anonymize(samples, rate):
        if kind == "raise":
            raise RuntimeError("secret")
        return {"nan": samples * np.nan, "rows": samples[None], "empty": samples[:0],
                "list": [1, 2]}[kind]  # fmt: skip

    return anonymize


@pytest.mark.parametrize("kind", ["raise", "nan", "rows", "empty", "list"])
def test_what_an_anonymizer_cannot_do_is_excluded_with_the_reason(tmp_path, utterances, kind):
    failing = speech(tmp_path, broken(kind))
    assert failing.render(utterances, 1, quiet) == []
    assert len(failing.excluded) == 2
    assert "anonymize failed on it" in failing.excluded[0].reason
    assert "secret" not in failing.excluded[0].reason


def test_recordings_that_cannot_be_used_are_excluded_with_the_reason(tmp_path, utterances, voice):
    silent, short, bad = (tmp_path / "data" / f"{n}.wav" for n in ("silent", "short", "bad"))
    for path, samples in [(silent, 0 * voice), (short, voice[:800])]:
        with AudioWriter(path, 16_000, 1) as file:
            file.write(samples[None])
    bad.write_bytes(utterances[0].path.read_bytes()[:5000])
    gone = tmp_path / "gone.wav"
    odd = [replace(utterances[0], id=p.stem, path=p) for p in (silent, short, bad, gone)]
    checked = speech(tmp_path, None)
    assert checked.check([*odd, *utterances], 0.5, quiet) == utterances
    reasons = {e.utterance: e.reason for e in checked.excluded}
    assert reasons.pop("silent") == "silent"
    assert reasons.pop("short") == "0.05 s long; the protocol takes 0.5 s and more"
    assert reasons.pop("gone") == "the file does not exist"
    assert "bad.wav" in reasons.pop("bad")
    assert checked.seconds(utterances) == 2.0


def test_a_folder_of_another_tool_is_found_by_path_or_id(tmp_path, utterances, voice):
    theirs = tmp_path / "theirs"
    for name in ("s1/one.flac", "two.wav"):
        with AudioWriter(theirs / name, 16_000, 1) as file:
            file.write(-voice[None])
    folder = Folder(theirs, tmp_path / "data")
    assert folder.find(utterances[0]) == theirs / "s1/one.flac"
    assert (
        folder.find(replace(utterances[0], path=tmp_path / "else.wav", id="two")).name == "two.wav"
    )
    assert not folder.has(replace(utterances[1], id="three", path=tmp_path / "else.wav"))


def test_a_file_of_another_speaker_is_not_taken_for_one_that_is_missing(
    tmp_path, utterances, voice
):
    with AudioWriter(tmp_path / "theirs/s1/one.wav", 16_000, 1) as file:
        file.write(voice[None])
    folder = Folder(tmp_path / "theirs", tmp_path / "data")
    assert folder.has(utterances[0])
    assert not folder.has(utterances[1])


def test_renderings_that_nobody_could_take_up_again_are_removed(tmp_path, utterances):
    for anonymizer, left in [(lambda x, rate: -x, 0), (voxguard.McAdams(), 2)]:
        run = speech(tmp_path, anonymizer)
        run.render(utterances, 1, quiet)
        run.close()
        assert len([*(tmp_path / "work").rglob("*.wav")]) == left


@pytest.mark.parametrize("gain", [1e-5, 10.0])
def test_level_is_kept_as_it_is(tmp_path, utterances, gain):
    run = speech(tmp_path, lambda x, rate: gain * x)
    run.render(utterances, 1, quiet)
    (rendered, _), (original, _) = run.anonymized(utterances), run.original(utterances)
    np.testing.assert_allclose(rendered.samples(), gain * original.samples(), rtol=1e-6)


def test_integers_in_floats_are_refused(tmp_path, utterances):
    loud = speech(tmp_path, lambda x, rate: 32768 * x)
    assert loud.render(utterances, 1, quiet) == []
    assert "full scale is 1.0" in loud.excluded[0].reason


def test_a_name_that_fits_two_files_is_not_guessed(tmp_path, utterances, voice):
    theirs = tmp_path / "theirs"
    for name in ("a/x.wav", "b/x.wav"):
        with AudioWriter(theirs / name, 16_000, 1) as file:
            file.write(voice[None])
    named = replace(utterances[0], id="x", path=tmp_path / "elsewhere/x.wav")
    assert not Folder(theirs, tmp_path / "data").has(named)


def test_stereo_that_cancels_out_is_not_mixed_to_silence(voice):
    np.testing.assert_array_equal(mono(np.stack([voice, -voice])), voice)
    np.testing.assert_allclose(mono(np.stack([voice, 0 * voice])), voice / 2)


def test_what_is_no_anonymizer_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="any callable"):
        system_of("mcadams", None, tmp_path)
    with pytest.raises(ConfigurationError, match="not both"):
        system_of(voxguard.McAdams(), tmp_path, tmp_path)
    with pytest.raises(ConfigurationError, match="not a folder of anonymized"):
        system_of(None, tmp_path / "nowhere", tmp_path)
