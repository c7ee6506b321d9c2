"""Every example in a docstring runs and gives what it says; every public thing has a docstring."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import voxguard
from voxguard.errors import MissingExtraError

MODULES = ["voxguard"] + [
    module.name
    for module in pkgutil.walk_packages(voxguard.__path__, "voxguard.")
    if not module.name.endswith(("._kernel", "._block", ".__main__"))
]


def load(name):
    try:
        return importlib.import_module(name)
    except MissingExtraError as error:  # an integration whose framework is not here
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_modules_are_found():
    assert {"voxguard.errors", "voxguard.anonymizers.base", "voxguard.dsp.voice"} <= set(MODULES)


@pytest.mark.skipif(int(np.__version__.split(".")[0]) < 2, reason="reprs are those of numpy 2")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = load(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=flags)
    report: list[str] = []
    for example in finder.find(module, name):
        runner.run(example, out=report.append)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name):
    module = load(name)
    assert module.__doc__
    for title, value in vars(module).items():
        own = getattr(value, "__module__", None) == name and not title.startswith("_")
        if own and (inspect.isclass(value) or inspect.isfunction(value)):
            assert inspect.getdoc(value), f"{name}.{title}"


def test_the_examples_are_not_all_gone():
    find = doctest.DocTestFinder().find
    names = [name for name in MODULES if not name.startswith("voxguard.integrations.")]
    tests = [test for name in names for test in find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in tests) > 20
