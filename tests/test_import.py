"""Importing is cheap, and the lazy table is the public interface, no more and no less."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import voxguard

HEAVY = ["torch", "scipy.signal", "sklearn", "librosa", "numba"]
LIGHT = [
    "voxguard",
    "voxguard.cli",
    "voxguard.audio",
    "voxguard.registry",
    "voxguard.dsp",
    "voxguard.dsp.voice",
    "voxguard.anonymizers.base",
    "voxguard.streaming",
]


def loaded_after(code: str) -> set[str]:
    report = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", LIGHT)
def test_no_heavy_package_is_loaded(module):
    loaded = loaded_after(f"import {module}")
    assert module in loaded
    assert not loaded.intersection(HEAVY)


def test_using_it_loads_no_heavy_package():
    loaded = loaded_after(
        "import voxguard; voxguard.methods()\n"
        "voxguard.McAdams()(voxguard.synthetic_voice(seconds=0.2), 16_000)"
    )
    assert "voxguard.anonymizers.mcadams" in loaded
    assert not loaded.intersection(HEAVY)


def test_the_package_itself_loads_next_to_nothing():
    loaded = loaded_after("import voxguard")
    assert "numpy" not in loaded
    assert {name for name in loaded if name.startswith("voxguard")} == {"voxguard"}


def test_all_is_the_lazy_table():
    assert voxguard.__all__ == list(voxguard._HOME)
    assert sorted(voxguard.__all__) == voxguard.__all__
    assert set(dir(voxguard)) == {*voxguard.__all__, "__version__"}


@pytest.mark.parametrize("name", voxguard.__all__)
def test_every_public_name_resolves_is_documented_and_is_itself(name):
    value = getattr(voxguard, name)
    assert value.__name__ == name
    assert value.__module__ == f"voxguard.{voxguard._HOME[name]}" or value.__module__.startswith(
        f"voxguard.{voxguard._HOME[name]}."
    )
    assert value.__doc__
    assert getattr(voxguard, name) is value


def test_unknown_names():
    with pytest.raises(AttributeError, match="'voxguard' has no attribute 'Voice'"):
        voxguard.Voice  # noqa: B018
    assert not hasattr(voxguard, "numpy")


def test_star_import():
    namespace: dict[str, object] = {}
    exec("from voxguard import *", namespace)  # noqa: S102
    assert set(voxguard.__all__) <= set(namespace)
