"""Plans as McAdams makes them, and rendering with a named kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import voxguard
from voxguard.dsp import kernel
from voxguard.dsp.mcadams import Plan


@pytest.fixture(params=kernel.available())
def any_kernel(request):
    """Each kernel that runs here, numpy among them."""
    return request.param


@pytest.fixture(params=kernel.available()[:-1])
def compiled(request):
    """Each compiled kernel that runs here; the test is skipped where there is none."""
    return request.param


@pytest.fixture(scope="session")
def make_plan():
    """``make_plan(rate, alpha, keep_level=..., prompt=..., frame_ms=..., hop_ms=...)``."""

    def make(rate=16_000, alpha=0.7, *, prompt=False, **options) -> Plan:
        method = voxguard.McAdams(coefficient=alpha, **options)
        plan = method._plan(rate, method.draw(np.random.default_rng(0)))
        return replace(plan, hop_ms=2.5, prompt=True) if prompt else plan

    return make


@pytest.fixture(scope="session")
def render():
    """``render(samples, plan, kernel)``: the sum of all whole frames."""

    def run(samples, plan, name=None):
        out = np.zeros(len(samples))
        kernel.overlap_add(np.asarray(samples, np.float32), plan, out, kernel=name)
        return out

    return run
