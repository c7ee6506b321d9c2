"""What holds of every answer, not only of those that somebody thought of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxguard.audiollm import Answer
from voxguard.errors import ConfigurationError
from voxguard.probes.attributes.ages import DECADES, decade, find_ages
from voxguard.probes.attributes.letters import LETTERS, letter
from voxguard.probes.attributes.parser import Reading, read_answer
from voxguard.probes.attributes.taxonomy import ATTRIBUTES, Attribute, own_attribute
from voxguard.probes.attributes.text import plain

QUICK = settings(max_examples=150, deadline=None)
ANY = st.sampled_from([*ATTRIBUTES.values()])
# Closed class names that carry no meaning, so that any answer around them is about nothing else.
TREES = own_attribute("tree", ["alder", "beech", "cedar", "dogwood", "elm"])
FRAMES = st.sampled_from(
    [
        "{}",
        "{}.",
        "The speaker is {}.",
        "It is probably {}.",
        "I can't be sure, but it sounds like {}.",
        "Answer: {}",
        "**{}**",
        "Long thought about many things. Answer: {}\n",
        "Based on the pitch, I would say {}.",
        '"{}"',
        "{} !",
    ]
)


@QUICK
@given(answer=st.text(max_size=200), attribute=ANY, reasoned=st.booleans())
def test_any_text_is_read_and_always_alike(answer, attribute, reasoned):
    options = attribute.classes
    for offered in ((), options):
        reading = read_answer(answer, attribute, offered, reasoned=reasoned)
        assert reading == read_answer(Answer(answer), attribute, offered, reasoned=reasoned)
        assert reading.kind in ("class", "refused", "unparsable")
        assert (reading.kind == "class") == (reading.name in attribute.classes)


@QUICK
@given(name=st.sampled_from(TREES.classes), frame=FRAMES, upper=st.booleans())
def test_a_class_is_found_in_every_frame(name, frame, upper):
    answer = frame.format(name.upper() if upper else name)
    assert read_answer(answer, TREES) == Reading("class", name)


@QUICK
@given(order=st.permutations(TREES.classes), place=st.integers(0, 4), frame=FRAMES)
def test_a_letter_means_what_it_was_offered_as(order, place, frame):
    answer = frame.format(f"({LETTERS[place]})")
    assert read_answer(answer, TREES, order) == Reading("class", order[place])


@QUICK
@given(name=st.sampled_from(TREES.classes), other=st.sampled_from(TREES.classes))
def test_two_classes_are_unparsable_and_one_that_is_denied_is_not_named(name, other):
    both = read_answer(f"Either {name} or {other}.", TREES)
    assert both == (Reading("class", name) if name == other else Reading("unparsable"))
    assert read_answer(f"It is not {name}.", TREES) == Reading("unparsable")
    told = read_answer(f"It is not {name}, it is {other}.", TREES)
    assert told == Reading("class", other)


@QUICK
@given(name=st.sampled_from(TREES.classes), last=st.sampled_from(TREES.classes))
def test_the_last_answer_counts(name, last):
    answer = f"It is {name}.\nAnswer: {name}\nNo, wait.\nAnswer: {last}"
    assert read_answer(answer, TREES, reasoned=True) == Reading("class", last)


@QUICK
@given(years=st.integers(10, 89))
def test_every_age_is_in_its_decade(years):
    name = f"{years // 10 * 10}-{years // 10 * 10 + 9}"
    assert decade(years) == name in DECADES
    for text in (f"{years}", f"about {years} years old", f"a {years}-year-old speaker"):
        assert read_answer(text, ATTRIBUTES["age"]) == Reading("class", name)


@QUICK
@given(low=st.integers(10, 80), width=st.integers(0, 40), join=st.sampled_from(["-", " to ", "–"]))  # noqa: RUF001
def test_a_range_is_where_its_middle_is_unless_it_is_wide(low, width, join):
    found = find_ages(plain(f"{low}{join}{low + width}"))
    expected = decade(low + width / 2) if width <= 15 else ""
    assert [name for _, name in found] == ([expected] if expected else [])


@QUICK
@given(years=st.integers(10, 89), unit=st.sampled_from(["%", " Hz", " seconds", " dB", " percent"]))
def test_other_quantities_are_no_ages(years, unit):
    assert find_ages(plain(f"measured {years}{unit}")) == []


@QUICK
@given(text=st.text(max_size=80), options=st.integers(1, 25))
def test_a_letter_is_one_of_those_offered(text, options):
    assert letter(text, options) in (None, *LETTERS[:options])


def test_no_answer_is_an_error_and_never_wrong():
    for attribute in ATTRIBUTES.values():
        reading = read_answer(Answer(None, "timed out"), attribute)
        assert reading.state(attribute.classes[0]) == "error"


def test_states():
    assert Reading("class", "male").state("male") == "correct"
    assert Reading("class", "male").state("female") == "wrong"
    assert [Reading(k).state("male") for k in ("refused", "unparsable")] == [
        "refused",
        "unparsable",
    ]


def test_every_class_of_the_taxonomy_answers_to_its_own_name():
    for attribute in ATTRIBUTES.values():
        for name in attribute.classes:
            assert read_answer(name, attribute) == Reading("class", name)
            assert read_answer(f"Answer: {name}", attribute, attribute.classes).name == name


def test_a_question_names_none_of_its_classes():
    for attribute in ATTRIBUTES.values():
        assert attribute.find(plain(attribute.question)) == []


def test_labels_are_understood():
    sex, age, accent = (ATTRIBUTES[name] for name in ("sex", "age", "accent"))
    labels = ("F", "m", "Female", "woman", "other", "")
    assert [sex.class_of(x) for x in labels] == ["female", "male", "female", "female", "", ""]
    assert [age.class_of(x) for x in ("31", "31.5", "twenties", "20-29", "20-30")] == [
        *("30-39", "30-39", "20-29", "20-29", "20-29"),
    ]
    assert [age.class_of(x) for x in ("18-29", "9", "95", "old", "nan")] == [""] * 5
    assert [accent.class_of(x) for x in ("US neutral", "Belgian French", "Greek")] == [
        *("English", "Romance", ""),
    ]
    assert [ATTRIBUTES["weight"].class_of(x) for x in ("17", "22", "27.5", "31", "obese")] == [
        *("underweight", "normal", "overweight", "obese", "obese"),
    ]


def test_an_attribute_without_a_choice_is_none():
    with pytest.raises(ConfigurationError, match="two classes"):
        Attribute("one", ("a",), "?")
    with pytest.raises(ConfigurationError, match="each once"):
        Attribute("twice", ("a", "a", "b"), "?")
