"""All odd files through the whole filter: each is anonymized audio, or an error that says why."""

import collections

import numpy as np

import voxguard
from voxguard.audio import read
from voxguard.files.naming import own_suffix


def test_every_odd_file_is_anonymized_or_refused(shared_data, tmp_path, outcomes):
    source, target = shared_data / "odd", tmp_path / "out"
    report = voxguard.anonymize_folder(source, target, voxguard.McAdams(), jobs=2)
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert all(reason and str(tmp_path) not in reason for reason in reasons.values())
    count = collections.Counter()
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        name = path.relative_to(source).as_posix()
        result = target / (name if own_suffix(name) else f"{name}.wav")
        if name in reasons:
            assert not result.exists()
            outcome = f"refused: {reasons[name]}"
        elif result.exists():
            (was, rate), (now, rate_now) = read(path), read(result)
            assert (was.shape, rate) == (now.shape, rate_now)
            assert np.isfinite(now).all()
            moving = np.count_nonzero(np.diff(was, axis=1)) > 64
            assert not (moving and np.array_equal(was, now))
            outcome = f"anonymized: {was.shape[0]} x {was.shape[1]} at {rate} Hz"
        else:
            outcome = "ignored: not named as audio"
        count[outcome.split(":")[0]] += 1
        outcomes.append(f"{name[:60]:60s} {outcome[:100]}")
    assert (count["anonymized"], count["refused"], count["ignored"]) == (76, 27, 24)
    assert (report.done, len(report.failed), report.ignored) == (76, 27, 24)
