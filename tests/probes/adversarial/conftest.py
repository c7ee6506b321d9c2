"""A model that is trained once for all tests of this folder."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def listener(tmp_path_factory):
    """Answers "A man." or "A woman." by how high a voice is."""
    pytest.importorskip("transformers")
    import tiny_listener

    return tiny_listener.train(tmp_path_factory.mktemp("listener"))
