"""The attack: within its bound, repeatable, better than noise on a model that really listens."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_listener import MAN, PROMPT, RATE, STRANGERS, WOMAN, answer_for, clip_of

import voxguard
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.probes.adversarial import attack
from voxguard.probes.adversarial.loss import AnswerLoss

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

OTHER = {MAN: WOMAN, WOMAN: MAN}
ASKED = STRANGERS[:10]
FIRST, SECOND = ASKED[:2]
BOUND = {"epsilon": 0.02, "steps": 20}


@pytest.fixture(scope="module")
def clips():
    return {speaker: clip_of(speaker) for speaker in ASKED}


@pytest.fixture(scope="module")
def answers(listener, clips):
    return {speaker: listener(clip, RATE, PROMPT) for speaker, clip in clips.items()}


def test_the_model_listens(answers):
    right = [answers[speaker] == answer_for(speaker) for speaker in ASKED]
    assert set(answers.values()) == {MAN, WOMAN}
    assert np.mean(right) >= 0.9


def test_targeted_attacks_succeed_where_noise_of_the_bound_does_not(listener, clips, answers):
    hits, by_noise = [], []
    for speaker, clip in clips.items():
        target = OTHER[answers[speaker]]
        found = attack(listener, clip, RATE, PROMPT, target, seed=speaker, **BOUND)
        assert found.target == target
        hits.append(listener(found.samples, RATE, PROMPT) == target)
        signs = np.random.default_rng(speaker).choice([-1, 1], len(clip)).astype(np.float32)
        by_noise.append(listener(clip + 0.02 * signs, RATE, PROMPT) == target)
    assert sum(hits) >= sum(by_noise) + 4
    assert np.mean(hits) >= 0.6


def test_nothing_withstands_a_bound_that_is_none(listener, clips, answers):
    for speaker in ASKED[:4]:
        target = OTHER[answers[speaker]]
        found = attack(listener, clips[speaker], RATE, PROMPT, target, epsilon=0.1, steps=40)
        assert listener(found.samples, RATE, PROMPT) == target


def test_untargeted_attacks_only_leave_the_answer(listener, clips, answers):
    left = []
    for speaker, clip in clips.items():
        found = attack(listener, clip, RATE, PROMPT, seed=speaker, **BOUND)
        assert found.target is None
        left.append(listener(found.samples, RATE, PROMPT) != answers[speaker])
    assert np.mean(left) >= 0.4


def test_it_stays_within_the_bound_and_full_scale(listener, make_voice):
    loud = make_voice(seconds=0.5, speaker=1)
    loud = loud / np.abs(loud).max()
    found = attack(listener, loud, RATE, PROMPT, WOMAN, epsilon=0.02, steps=4)
    assert 0.0 < np.abs(found.perturbation).max() <= 0.02 + 1e-6
    assert np.abs(found.samples).max() <= 1.0
    assert np.array_equal(found.clean, loud)
    assert found.snr_db > 10.0


def test_the_loss_it_tells_is_the_loss_of_the_clip(listener, clips):
    found = attack(listener, clips[FIRST], RATE, PROMPT, WOMAN, epsilon=0.005, steps=5)
    loss = AnswerLoss(listener, found.clean, PROMPT, WOMAN)
    with torch.no_grad():
        clean, now = (float(loss(torch.tensor(x))) for x in (found.clean, found.samples))
    assert now == pytest.approx(found.loss, rel=1e-3)
    assert now < clean


def test_the_loss_is_what_the_model_scores(listener, clips):
    with torch.no_grad():
        ours = float(AnswerLoss(listener, clips[SECOND], PROMPT, MAN)(torch.tensor(clips[SECOND])))
    theirs = listener.score(clips[SECOND], RATE, PROMPT, MAN + "<|im_end|>").log_probability
    assert ours == pytest.approx(-float(theirs.mean()), rel=1e-3)


def test_a_seed_repeats_it_and_another_does_not(listener, clips):
    once, again, other = (
        attack(listener, clips[FIRST], RATE, PROMPT, WOMAN, steps=2, seed=seed).perturbation
        for seed in (0, 0, 1)
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_more_starts_are_never_worse(listener, clips):
    one, three = (
        attack(listener, clips[FIRST], RATE, PROMPT, WOMAN, steps=3, restarts=restarts).loss
        for restarts in (1, 3)
    )
    assert three <= one


@pytest.mark.parametrize("name", ["high-pass", "mcadams"])
def test_who_knows_the_filter_gets_past_what_stops_who_does_not(listener, clips, name):
    def high_pass(samples, sample_rate):
        spectrum = np.fft.rfft(samples)
        spectrum[np.fft.rfftfreq(len(samples), 1 / sample_rate) < 1000.0] *= 0.03
        return np.fft.irfft(spectrum, len(samples)).astype(np.float32)

    front = high_pass if name == "high-pass" else voxguard.McAdams(coefficient=(0.7, 0.7))
    losses: dict[str, list[float]] = {"ignorant": [], "adaptive": []}
    for clip in clips.values():
        target = OTHER[listener(front(clip, RATE), RATE, PROMPT)]
        loss = AnswerLoss(listener, clip, PROMPT, target)
        for who, known in (("ignorant", None), ("adaptive", front)):
            how = {"epsilon": 0.02, "steps": 12, "seed": 1, "anonymizer": known, "draws": 1}
            found = attack(listener, clip, RATE, PROMPT, target, **how)
            with torch.no_grad():
                losses[who].append(float(loss(torch.tensor(front(found.samples, RATE)))))
    assert np.mean(losses["adaptive"]) < np.mean(losses["ignorant"]) - 0.05
    better = np.subtract(losses["adaptive"], losses["ignorant"]) < 0.01
    assert better.mean() > 0.6


def test_the_clip_is_heard_at_the_rate_of_the_model(listener, make_voice):
    found = attack(listener, make_voice(48_000, 0.5), 48_000, PROMPT, WOMAN, steps=1)
    assert (found.sample_rate, len(found.samples)) == (16_000, 8_000)


def test_what_cannot_be_attacked_is_refused(listener, voice):
    with pytest.raises(ConfigurationError, match="TransformersModel"):
        attack(lambda samples, sample_rate, prompt: "", voice, RATE, PROMPT, WOMAN)
    with pytest.raises(UnsupportedAudioError, match="the model hears 1 s"):
        attack(listener, np.zeros(40_000, np.float32), RATE, PROMPT, WOMAN)
    with pytest.raises(UnsupportedAudioError, match="one channel"):
        attack(listener, np.zeros((2, 100), np.float32), RATE, PROMPT, WOMAN)
    with pytest.raises(ConfigurationError, match="needs a token"):
        attack(listener, voice[:8000], RATE, PROMPT, "")
    for odd in ({"epsilon": 0.0}, {"epsilon": np.nan}, {"steps": 0}, {"step_size": -1.0}):
        with pytest.raises(ConfigurationError, match="takes"):
            attack(listener, voice[:8000], RATE, PROMPT, WOMAN, **odd)


def test_other_features_are_refused_rather_than_attacked(listener, voice, monkeypatch):
    extractor = listener.processor.feature_extractor
    monkeypatch.setattr(extractor, "dither", 0.1)  # which no gradient here knows of
    with pytest.raises(ConfigurationError, match="no gradient from the answer"):
        attack(listener, voice[:8000], RATE, PROMPT, WOMAN, steps=1)
