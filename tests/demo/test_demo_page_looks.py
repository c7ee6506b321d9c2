"""The page on a phone, in the dark, and for those who see little or nothing."""

import time
from itertools import pairwise

import pytest

pytest.importorskip("selenium", reason="needs selenium and Chromium")

from browser import assert_shows_a_result


@pytest.mark.parametrize("width", [320, 375])
def test_on_a_phone(page, width):
    page.resize(width, 740, scale=2)
    page.made()
    assert_shows_a_result(page)
    wide, room = page(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= room == width
    beyond = page(
        "return [...document.querySelectorAll('body *')]"
        f".filter(e => e.getBoundingClientRect().right > {width} + 0.5)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert not beyond
    small = page(
        "return [...document.querySelectorAll('button, label, audio, #save')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert not small


def test_in_the_dark(page):
    page.made()
    lightness = {}
    for scheme in ("light", "dark"):
        page.prefer(color_scheme=scheme, reduced_motion="reduce")
        time.sleep(0.2)
        lightness[scheme] = page(
            "const c = document.getElementById('before-picture');"
            "const d = c.getContext('2d').getImageData(40, 10, 200, 100).data;"
            "const mean = d => d.reduce((a, b) => a + b, 0) / d.length;"
            "const paper = getComputedStyle(document.body).backgroundColor;"
            "const rgb = paper.match(/\\d+/g).map(Number);"
            "return [mean([...d].filter((_, k) => k % 4 < 3)), mean(rgb)]"
        )
    assert lightness["light"][0] > lightness["dark"][0] + 60
    assert lightness["light"][1] > 240 > 40 > lightness["dark"][1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out(page, scheme):
    """Contrast of all text is at least 4.5 to 1 (WCAG 2.2 AA)."""
    page.prefer(color_scheme=scheme, reduced_motion="reduce")
    page.made()
    poor = page(
        """
        const parse = (c) => c.match(/[\\d.]+/g).map(Number);
        const light = (c) => parse(c).slice(0, 3).map((v) => v / 255)
          .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
          .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
        const behind = (e) => {
          for (; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c.slice(0, 3).join(",");
          }
          return "255,255,255";
        };
        return [...document.querySelectorAll("body *")]
          .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) =>
            n.nodeType === 3 && n.textContent.trim()) && !e.closest("svg"))
          .map((e) => [e, ...[getComputedStyle(e).color, behind(e)].map(light)
            .sort((a, b) => b - a)])
          .filter(([, high, low]) => (high + 0.05) / (low + 0.05) < 4.5)
          .map(([e]) => e.outerHTML.slice(0, 80));
        """
    )
    assert not poor


def test_names_for_those_who_do_not_see(page):
    page.made()
    for tag in ("button", "audio", "canvas", "[role=img]", "section", "input[type=radio]"):
        nameless = page(
            "return [...document.querySelectorAll(arguments[0])].filter(e => !(e.textContent.trim()"
            " || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')"
            " || e.labels?.length)).map(e => e.outerHTML.slice(0, 80))",
            tag,
        )
        assert not nameless
    assert page("return document.documentElement.lang") == "en"
    levels = page(
        "return [...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
