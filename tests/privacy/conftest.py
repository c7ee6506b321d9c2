"""Models that are the same each time."""

from __future__ import annotations

import pytest


@pytest.fixture
def seeded():
    """Torch's own generator, from which layers are drawn."""
    import torch

    torch.manual_seed(1)
