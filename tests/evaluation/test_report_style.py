"""Colours of the report: readable on their background, told apart by colour-blind readers."""

import itertools
import re

import numpy as np
import pytest

from voxguard.evaluation.report.html import TEMPLATES

CSS = "".join((TEMPLATES / name).read_text("utf-8") for name in ("chart.css", "style.css"))
PALETTES = dict(
    zip(
        ("light", "dark"),
        (
            dict(re.findall(r"--([\w-]+): (#\w+)", block))
            for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
        ),
        strict=True,
    )
)
# Machado, Oliveira and Fernandes 2009, severity 1
VISIONS = {
    "normal": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    dark, light = sorted(linear(colour) @ TO_XYZ[1] for colour in (a, b))
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21, abs=0.01)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_lines_stand_out(mode):
    palette = PALETTES[mode]
    for ink in ("ink", "dim", "link", "good", "bad"):
        for ground in ("paper", "soft"):
            assert contrast(palette[ink], palette[ground]) >= 4.5, (ink, ground)
    assert contrast(palette["good"], palette["good-soft"]) >= 4.5
    assert contrast(palette["bad"], palette["bad-soft"]) >= 4.5
    for number in range(6):
        assert contrast(palette[f"s{number}"], palette["paper"]) >= 3, number


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_series_are_told_apart(mode, vision):
    seen = {
        number: lab(np.array(VISIONS[vision]) @ linear(PALETTES[mode][f"s{number}"]))
        for number in range(6)
    }
    for a, b in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 10, (a, b)


def test_print_is_light_and_dark_is_for_screens():
    assert "@media screen and (prefers-color-scheme: dark)" in CSS
    assert CSS.count("prefers-color-scheme") == 1
    assert "@media print" in CSS


def test_every_variable_is_defined():
    used = set(re.findall(r"var\(--([\w-]+)", CSS))
    assert used - set(PALETTES["light"]) == {"c", "halo"}  # set where they are used
    assert set(PALETTES["light"]) == set(PALETTES["dark"])
