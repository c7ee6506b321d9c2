from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from voxguard.errors import ConfigurationError
from voxguard.pseudonym import MIN_KEY_BYTES, Pseudonyms, generate_key, read_key

KEY = bytes(range(32))


def draw(pseudonyms, purpose="test", **names):
    return pseudonyms.generator(purpose, **names).random()


def pickled(pseudonyms):
    return pickle.loads(pickle.dumps(pseudonyms))  # noqa: S301


class TestSecret:
    def test_nothing_repeats(self):
        one = Pseudonyms()
        assert len({draw(one), draw(one), draw(Pseudonyms()), draw(Pseudonyms())}) == 4

    def test_a_speaker_keeps_a_voice_within_the_object_only(self):
        one, other = Pseudonyms(), Pseudonyms()
        assert draw(one, speaker="a") == draw(one, speaker="a")
        assert draw(one, speaker="a") != draw(one, speaker="b")
        assert draw(one, speaker="a") != draw(other, speaker="a")


class TestKey:
    def test_the_same_key_repeats(self):
        assert draw(Pseudonyms(key=KEY), speaker="a") == draw(Pseudonyms(key=KEY), speaker="a")

    @pytest.mark.parametrize("other", [KEY[:-1], KEY[:-1] + b"\0", bytes(16)])
    def test_another_key_does_not(self, other):
        assert draw(Pseudonyms(key=KEY), speaker="a") != draw(Pseudonyms(key=other), speaker="a")

    def test_purposes_speakers_and_scopes_are_separate(self):
        everywhere = {
            draw(Pseudonyms(key=KEY, scope=scope, session=session), purpose, speaker=speaker)
            for scope, session in [("corpus", None), ("session", "1"), ("session", "2")]
            for purpose in ("mcadams", "world")
            for speaker in ("a", "b", "")
        }
        assert len(everywhere) == 3 * 2 * 3

    def test_names_do_not_run_into_one_another(self):
        one = Pseudonyms(key=KEY, scope="session", session="ab")
        other = Pseudonyms(key=KEY, scope="session", session="a")
        assert draw(one, speaker="c") != draw(other, speaker="bc")
        assert draw(one, "x", speaker="ya") != draw(one, "xy", speaker="a")

    def test_a_voice_is_pinned_for_all_versions(self):
        """A change here would change every pseudo-voice that users have under their keys."""
        assert draw(Pseudonyms(key=KEY), "mcadams", speaker="anna") == pytest.approx(
            0.7441342508653136, abs=1e-12
        )

    @pytest.mark.parametrize("bad", [b"", b"x" * (MIN_KEY_BYTES - 1), "x" * 32, bytearray(32), 7])
    def test_unusable_keys(self, bad):
        with pytest.raises(ConfigurationError, match="key") as caught:
            Pseudonyms(key=bad)
        assert "xxx" not in str(caught.value)


class TestSeed:
    def test_a_seed_repeats_call_by_call(self):
        one, other = Pseudonyms(seed=3), Pseudonyms(seed=3)
        first = [draw(one) for _ in range(3)]
        assert first == [draw(other) for _ in range(3)]
        assert len(set(first)) == 3
        assert draw(Pseudonyms(seed=4)) != first[0]

    def test_zero_is_a_seed(self):
        assert draw(Pseudonyms(seed=0)) == draw(Pseudonyms(seed=0))
        assert Pseudonyms(seed=0).origin == "seed"
        assert Pseudonyms(seed=0).describe()["seed"] == 0

    def test_a_named_utterance_is_not_a_counted_one(self):
        assert draw(Pseudonyms(seed=3), utterance="1") != draw(Pseudonyms(seed=3))

    @pytest.mark.parametrize("bad", [-1, 1.0, "1", True])
    def test_unusable_seeds(self, bad):
        with pytest.raises(ConfigurationError, match="seed"):
            Pseudonyms(seed=bad)

    def test_key_and_seed_together(self):
        with pytest.raises(ConfigurationError, match="both"):
            Pseudonyms(key=KEY, seed=1)

    def test_threads_never_share_a_draw(self):
        one = Pseudonyms(seed=3)
        with ThreadPoolExecutor(8) as pool:
            draws = list(pool.map(lambda _: draw(one), range(200)))
        expected = Pseudonyms(seed=3)
        assert sorted(draws) == sorted(draw(expected) for _ in range(200))


class TestScope:
    def test_automatic(self):
        one = Pseudonyms(key=KEY)
        assert draw(one) != draw(one)
        assert draw(one, speaker="a") == draw(one, speaker="a")

    def test_utterance_is_never_twice_unless_named(self):
        one = Pseudonyms(key=KEY, scope="utterance")
        assert draw(one, speaker="a") != draw(one, speaker="a")
        named = draw(one, speaker="a", utterance="u")
        assert named == draw(Pseudonyms(key=KEY, scope="utterance"), speaker="a", utterance="u")
        assert named != draw(one, speaker="b", utterance="u")

    def test_session(self):
        one = Pseudonyms(key=KEY, scope="session")
        assert draw(one, speaker="a") == draw(one, speaker="a")
        assert draw(one) == draw(one)
        assert draw(one) != draw(Pseudonyms(key=KEY, scope="session"))
        monday = [Pseudonyms(key=KEY, scope="session", session="monday") for _ in range(2)]
        assert draw(monday[0]) == draw(monday[1])

    def test_corpus_needs_a_speaker(self):
        with pytest.raises(ConfigurationError, match="speaker="):
            draw(Pseudonyms(scope="corpus"))
        assert draw(Pseudonyms(scope="corpus"), speaker="") >= 0

    def test_unknown(self):
        with pytest.raises(ConfigurationError, match="utterance, session, corpus"):
            Pseudonyms(scope="life")


class TestDisclosure:
    @pytest.mark.parametrize("options", [{}, {"key": KEY}, {"key": KEY, "session": "s3cret"}])
    def test_nothing_secret_is_shown(self, options):
        one = Pseudonyms(**options)
        shown = f"{one!r} {one} {one.describe()}"
        for secret in (one._secret, one._own_session.encode()):
            assert secret.hex() not in shown
            assert repr(secret)[2:-1] not in shown
            assert secret.hex()[:8] not in shown

    def test_origin(self):
        assert [Pseudonyms(**o).origin for o in ({}, {"key": KEY}, {"seed": 1})] == [
            "secret",
            "key",
            "seed",
        ]
        assert "weakens_privacy" not in Pseudonyms(key=KEY).describe()
        assert "weakens_privacy" in Pseudonyms(seed=1).describe()
        assert Pseudonyms(scope="session").describe()["scope"] == "session"


class TestCopies:
    @pytest.mark.parametrize("options", [{}, {"key": KEY}, {"seed": 3}])
    @pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
    def test_copies_know_the_same_speakers(self, options, copied):
        one = Pseudonyms(**options)
        draw(one)
        other = copied(one)
        assert draw(one, speaker="a") == draw(other, speaker="a")
        assert (draw(one) == draw(other)) is ("seed" in options)


class TestKeyFile:
    @pytest.mark.parametrize("text", ["{}", "{}\n", " {}\r\n"])
    def test_round_trip(self, tmp_path, text):
        key = generate_key()
        file = tmp_path / "key"
        file.write_text(text.format(key.hex()))
        assert read_key(file) == read_key(str(file)) == key

    def test_generated_keys_differ(self):
        assert len({generate_key() for _ in range(50)}) == 50
        assert len(generate_key()) == 32

    @pytest.mark.parametrize("content", [b"deadbeef", b"", b"5ecretpassphrase", b"\xff\xfe\x00"])
    def test_bad_content_is_not_shown(self, tmp_path, content):
        file = tmp_path / "key"
        file.write_bytes(content)
        with pytest.raises(ConfigurationError) as caught:
            read_key(file)
        assert str(file) in str(caught.value)
        if content:
            assert content.decode("latin1") not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    def test_missing_file_and_folder(self, tmp_path):
        for path in (tmp_path / "none", tmp_path):
            with pytest.raises(ConfigurationError, match="cannot be read"):
                read_key(path)
