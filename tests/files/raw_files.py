"""Files of noise for the tests, a method that is right and one that breaks."""

import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import soundfile

import voxguard

# Not by sys.path: the plug-in's entry points would join the methods of every other test.
_spec = spec_from_file_location(
    "voxguard_test_methods", Path(__file__).parents[1] / "plugin" / "voxguard_test_methods.py"
)
_plugin = module_from_spec(_spec)
_spec.loader.exec_module(_plugin)
Fault, Scramble = _plugin.Fault, _plugin.Scramble

RECORD = "voxguard-run.json"


def noise(frames=16_000, channels=1, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (frames, channels)).astype(np.float32)


def write(path, frames=16_000, rate=16_000, channels=1, seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(frames, channels, seed), rate, **options)
    return path


def all_files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def assert_no_copy(source, target):
    raw, out = (soundfile.read(p, always_2d=True)[0] for p in (source, target))
    assert raw.shape == out.shape
    for a, b in zip(raw.T, out.T, strict=True):
        if np.std(a) and np.std(b) and len(a) > 1000:
            spectra = np.fft.rfft(a, 2 * len(a)).conj() * np.fft.rfft(b, 2 * len(a))
            peak = np.abs(np.fft.irfft(spectra)).max()
            assert peak < 0.5 * np.linalg.norm(a) * np.linalg.norm(b)


def python_path():
    paths = [Path(voxguard.__file__).parents[1], Path(__file__).parents[1] / "plugin"]
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1"}
