import pytest

from voxguard.errors import ConfigurationError
from voxguard.evaluation.protocol import KNOWLEDGE, Protocol, shipped

HEAD = "schema: voxguard.protocol/1\nname: mine\n"
PANEL = "attackers: [{encoder: dvector}]\n"


@pytest.mark.parametrize("name", shipped())
def test_shipped_protocols_read(name):
    protocol = Protocol.read(name)
    assert protocol.name == name
    assert protocol.description
    assert {k for plan in protocol.attackers for k in plan.knowledge} == set(KNOWLEDGE)


def read(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return Protocol.read(path)


def test_what_is_not_said_has_a_default(tmp_path):
    protocol = read(tmp_path, HEAD + PANEL)
    assert protocol.data.enrolment == 5
    assert protocol.attackers[0].knowledge == KNOWLEDGE
    assert protocol.settings["attackers"][0]["encoder"] == "dvector"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: mine\n" + PANEL, "is not a protocol"),
        ("[1, 2]", "is not a protocol"),
        ("a: [", "is not YAML"),
        (HEAD, "names no attackers"),
        (HEAD + PANEL + "speed: 3\n", "no setting 'speed'; known: name, version"),
        (HEAD + PANEL + "data: {enrollment: 3}\n", "data: no setting 'enrollment'"),
        (HEAD + PANEL + "data: 3\n", "takes named settings"),
        (HEAD + PANEL + "train_draws: many\n", "train_draws takes int, got 'many'"),
        (HEAD + PANEL + "train_draws: true\n", "train_draws takes int"),
        (HEAD + PANEL + "train_draws: 0\n", "train_draws is at least 1, got 0"),
        (HEAD + PANEL + "resamples: 5\n", "resamples is at least 100"),
        (HEAD + PANEL + "lengths: [0]\n", r"lengths are at least 1, got \[0\]"),
        (HEAD + PANEL + "populations: [1]\n", "populations are at least 2"),
        (HEAD + PANEL + "segment_s: 0\n", "segment_s is above 0"),
        (HEAD + "attackers: [{encoder: a}, {encoder: a}]\n", "two attackers are called 'unprot"),
        (HEAD + PANEL + "lengths: 3\n", "lengths takes a list"),
        (HEAD + PANEL + "lengths: [a]\n", "lengths takes int, got 'a'"),
        (HEAD + PANEL + "level: sentence\n", "level takes utterance, speaker; got 'sentence'"),
        (HEAD + PANEL + "data: {train_share: 1.0}\n", "train_share lies between 0 and 1"),
        (HEAD + "attackers: [{backends: [cosine]}]\n", "missing 1 required.*'encoder'"),
        (HEAD + "attackers: [{encoder: dvector, knowledge: [all]}]\n", "takes unprotected"),
    ],
)
def test_a_bad_protocol_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, text)


def test_unknown_names():
    with pytest.raises(ConfigurationError, match="no protocol 'hard'; voxguard ships smoke, stand"):
        Protocol.read("hard")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Protocol.read("nowhere.yaml")
