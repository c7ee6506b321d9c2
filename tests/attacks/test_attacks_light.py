"""Choosing an attacker costs no heavy import; using it does."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchaudio", "speechbrain", "transformers", "sklearn", "librosa", "pyworld")
MODULES = [
    "attacks.backends.cosine",
    "attacks.backends.lda",
    "attacks.backends.plda",
    "attacks.backends.wccn",
    "attacks.encoders.dvector",
    "attacks.encoders.dvector_finetuned",
    "attacks.encoders.ecapa",
    "attacks.encoders.hub",
    "attacks.encoders.joined",
    "attacks.encoders.level",
    "attacks.encoders.prosody",
    "attacks.encoders.transcript",
    "attacks.recording",
    "attacks.target_probe",
    "attacks.verification",
    "models.dvector",
    "models.ecapa",
    "models.hub",
]
CODE = """
import sys
{imports}
from voxguard.attacks.encoders import create_encoder, encoders
for name in encoders.names():
    needed = {{"source": "a/b"}} if name in ("speechbrain", "transformers") else {{}}
    needed = {{"of": ["dvector", "ecapa"]}} if name == "joined" else needed
    create_encoder(name, **needed)
print(sorted(set({heavy!r}) & set(sys.modules)))
"""


def test_making_every_attacker_loads_no_heavy_package():
    imports = "\n".join(f"import voxguard.{name}" for name in MODULES)
    code = CODE.format(imports=imports, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("dvector", "torch", "eval"),
        ("dvector", "resemblyzer", "eval"),
        ("dvector-finetuned", "torch", "eval"),
        ("ecapa", "speechbrain", "train"),
        ("speechbrain", "speechbrain", "train"),
        ("transformers", "transformers", "hub"),
        ("prosody", "pyworld", "eval"),
        ("transcript", "sklearn", "eval"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(name, package, extra, monkeypatch):
    import numpy as np

    from voxguard.attacks.encoders import create_encoder
    from voxguard.attacks.recording import Recording
    from voxguard.errors import MissingExtraError
    from voxguard.models import dvector, optional

    real = optional.find_spec
    for module in (optional, dvector):
        monkeypatch.setattr(module, "find_spec", lambda n: None if n == package else real(n))
    needed = {"source": "a/b"} if name in ("speechbrain", "transformers") else {}
    encoder = create_encoder(name, **needed)
    noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    said = [Recording(f"u{n}", f"s{n % 2}", lambda: noise, f"word {n}") for n in range(4)]
    with pytest.raises(MissingExtraError, match=rf"needs {package}.*voxguard\[{extra}\]"):
        (encoder.fit(said) if encoder.trainable else encoder).embed(said[0])
