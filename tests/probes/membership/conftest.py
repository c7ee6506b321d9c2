"""Members and non-members that are alike, and a model that has learnt the members by heart."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="package")
def learnt(tmp_path_factory):
    """``members, non_members, model``."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from planted import halves, learn

    folder = tmp_path_factory.mktemp("learnt")
    members, others = halves(folder / "clips", 32, seed=8)
    return members, others, learn(members, folder / "model")
