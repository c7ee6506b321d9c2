from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import voxguard
from voxguard.anonymizers import base
from voxguard.errors import ConfigurationError, UnknownNameError
from voxguard.registry import Registry

GROUP = "voxguard.anonymizers"

GOOD = """
from dataclasses import dataclass
from voxguard import Anonymizer, PseudoVoice

@dataclass(frozen=True, repr=False)
class Gain(PseudoVoice):
    gain: float

class Quieter(Anonymizer):
    name = "quieter"
    def __init__(self, *, floor=0.1, **randomness):
        super().__init__(**randomness)
        self.floor = floor
    def draw(self, rng):
        return Gain(rng.uniform(self.floor, 0.5))
    def render(self, samples, sample_rate, voice):
        return voice.gain * samples
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution: a module and a .dist-info folder with entry points, on sys.path."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install_one(distribution, entry_points, module="", source=""):
        info = Path(tmp_path) / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
        if module:
            (Path(tmp_path) / f"{module}.py").write_text(source)

    yield install_one
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def fresh(monkeypatch):
    """The anonymizers' registry, as it is before anybody asked for a name."""
    registry = Registry("method", GROUP, {"mcadams": "voxguard.anonymizers.mcadams:McAdams"})
    monkeypatch.setattr(base, "registry", registry)
    return registry


class TestPlugIns:
    def test_a_plug_in_is_found_created_and_used(self, install, fresh):
        install("quieter", {"quieter": "vg_quieter:Quieter"}, "vg_quieter", GOOD)
        assert "quieter" in voxguard.methods()
        assert "vg_quieter" not in sys.modules, "listing imports nothing"
        anonymizer = voxguard.create("quieter", floor=0.2, seed=1)
        out = anonymizer(np.ones(400, np.float32), 16_000)
        assert 0.2 <= out[0] < 0.5
        assert anonymizer.options == {"floor": 0.2}
        with pytest.raises(ConfigurationError, match=r"flor.*floor"):
            voxguard.create("quieter", flor=0.2)

    def test_two_plug_ins_of_one_name(self, install, fresh):
        install("first", {"same": "vg_first:A"})
        install("second", {"same": "vg_second:B"})
        with pytest.raises(ConfigurationError, match=r"two packages.*'same'"):
            voxguard.methods()

    def test_a_plug_in_cannot_take_the_name_of_a_built_in(self, install, fresh):
        install("evil", {"mcadams": "vg_evil:DoNothing"})
        with pytest.raises(ConfigurationError, match="mcadams"):
            voxguard.methods()
        assert fresh.get("mcadams").__module__ == "voxguard.anonymizers.mcadams"

    @pytest.mark.parametrize(
        "source", ["import vg_is_not_there", "syntax error", "raise SystemError('x')", "A = 1", ""]
    )
    def test_a_broken_plug_in_leaves_the_others_alone(self, install, fresh, source):
        install("broken", {"broken": "vg_broken:Broken"}, "vg_broken", source or "\n")
        install("quieter", {"quieter": "vg_quieter:Quieter"}, "vg_quieter", GOOD)
        assert {"broken", "quieter"} <= set(voxguard.methods())
        assert voxguard.create("quieter").name == "quieter"
        with pytest.raises(ConfigurationError, match=r"broken.*vg_broken:Broken.*cannot be loaded"):
            voxguard.create("broken")

    def test_an_option_without_a_default_is_asked_for(self, install, fresh):
        install("chain", {"compose": "voxguard.anonymizers.compose:Compose"})
        with pytest.raises(ConfigurationError, match=r"compose .* 'parts'"):
            voxguard.create("compose")
        chain = voxguard.create("compose", parts=[voxguard.McAdams()], seed=1)
        assert len(chain.parts) == 1

    def test_an_uninstalled_module(self, install, fresh):
        install("ghost", {"ghost": "vg_ghost:Ghost"})
        with pytest.raises(ConfigurationError, match="ghost") as caught:
            voxguard.create("ghost")
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)


class TestRegistry:
    def make(self):
        return Registry("codec", "example.none", {"path": "pathlib:Path"})

    def test_unknown_names_list_the_known(self):
        with pytest.raises(UnknownNameError) as caught:
            self.make().get("pth")
        assert str(caught.value) == "unknown codec 'pth'; known: path"
        assert isinstance(caught.value, KeyError)
        assert isinstance(caught.value, ValueError)

    def test_register(self):
        registry = self.make()
        assert registry.register("mine", int) is int
        assert registry.register("mine", int) is int  # the same again, as on a reload
        assert registry.names() == ["mine", "path"]
        assert registry.get("mine") is int
        for name in ("mine", "path"):
            with pytest.raises(ConfigurationError, match="already"):
                registry.register(name, float)
        assert registry.get("mine") is int
        assert registry.get("path") is Path

    def test_a_class_is_loaded_once(self):
        registry = self.make()
        assert registry.get("path") is registry.get("path") is Path


class TestCreate:
    def test_unknown_method(self):
        with pytest.raises(UnknownNameError, match="mcadams"):
            voxguard.create("mcadam")

    def test_randomness_is_taken(self):
        assert voxguard.create("mcadams", seed=3, scope="session").pseudonyms.seed == 3
