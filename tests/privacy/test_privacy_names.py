"""The public names: all there, light, and functions even where a module bears the same name."""

import subprocess
import sys
from types import ModuleType

import pytest

import voxguard.privacy


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("name", voxguard.privacy.__all__)
def test_every_name_is_what_it_says(name):
    pytest.importorskip("opacus")
    value = getattr(voxguard.privacy, name)
    assert not isinstance(value, ModuleType)
    assert value.__name__ == name
    assert value.__module__.startswith("voxguard.privacy.")


def test_they_are_listed_once_and_in_order():
    assert sorted(voxguard.privacy._HOME) == voxguard.privacy.__all__ == dir(voxguard.privacy)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = voxguard.privacy.nothing


def test_the_import_is_light_and_so_is_the_ledger():
    heavy = '{"torch", "opacus", "dp_accounting", "flwr", "ray", "scipy", "sklearn"}'
    done = python(
        "import sys, voxguard.privacy; from voxguard.privacy import Ledger, Mechanism\n"
        f"print(*({heavy} & set(sys.modules)))"
    )
    assert (done.stdout, done.stderr) == ("\n", "")


@pytest.mark.parametrize(
    "first", ["pass", "import voxguard.privacy.preflight", "from voxguard.privacy import preflight"]
)
def test_a_function_is_not_hidden_by_its_module(first):
    pytest.importorskip("torch")
    done = python(
        f"{first}\nimport voxguard.privacy.preflight\nfrom voxguard.privacy import preflight\n"
        "print(type(preflight).__name__, type(voxguard.privacy.preflight).__name__)"
    )
    assert done.stdout == "function function\n", done.stderr


WITHOUT = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            return None
        return self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from voxguard import privacy
from voxguard.errors import MissingExtraError
try:
    {use}
except MissingExtraError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "use", "purpose"),
    [
        ("torch", "privacy.preflight", "voxguard.privacy.preflight"),
        (
            "opacus",
            "privacy.ExampleDP(None, None, 'ab', None, None, noise_multiplier=1.0, "
            "sampling_rate=0.1, clipping_norm=1.0)",
            "example-level DP",
        ),
        ("dp_accounting", "privacy.epsilon(privacy.Mechanism(1, 1, 1), 0.1)", "privacy accounting"),
    ],
)
def test_what_is_missing_is_named_with_its_extra(package, use, purpose):
    done = python(WITHOUT.format(package=package, use=use))
    said = f'{purpose} needs {package}, which is not installed: pip install "voxguard[dp]"\n'
    assert done.stdout == said, done.stderr
