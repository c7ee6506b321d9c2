"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m benchmarks.table
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recipes.common import publish

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MEASURED = {  # what the ledger tells, and where it is from
    "McAdams": "mcadams",
    "voice conversion and x-vector swap": "neural",
    "world": "world",
    "attackers": "encoders",
    "whole processes": "startup",
    "EER": "metrics",
    "training": "dp",
}
CORE_HOUR, GB_MONTH = 0.04, 0.023
NAMES = {
    "B2": "VoicePrivacy 2024 B2",
    "numpy": "voxguard, numpy only",
    "avx2": "voxguard, compiled, AVX2",
    "avx512": "voxguard, compiled, AVX-512",
}


def table() -> str:
    """Both tables, as Markdown, of a processor with all of the kernels."""
    rows = _rows("xeon/mcadams")
    lines = ["| recordings, 16 kHz | times real time | against B2 |", "|---|---|---|"]
    for name, shown in NAMES.items():
        speed = 1.0 / rows[name]["rtf"]["median"]
        ratio = rows[name].get("times_b2", {"median": 1.0})["median"]
        lines.append(f"| {shown} | {speed:.0f} | {ratio:.1f} x |")
    lines += [
        "",
        "| live, 10 ms at a time | latency | compute for 10 ms: median, 99 % | streams a core |",
        "|---|---|---|---|",
    ]
    for row in _rows("xeon/streaming"):
        if row["rate"] in (16_000, 48_000) and row["latency_ms"] >= 5.0:
            lines.append(
                f"| {row['rate'] // 1000} kHz | {row['latency_ms']:.0f} ms "
                f"| {row['p50_us']:.0f} µs, {row['p99_us']:.0f} µs | {row['streams_a_core']:.0f} |"
            )
    return "\n".join(lines)


def gateway() -> str:
    """Recordings, then live connections, of every method."""
    read = _read("gateway")
    methods, machine = read["methods"], read["machine"]
    lines = [
        f"On the {machine['cores']} cores of an {machine['cpu']}:",
        "",
        "| recordings of 10 s | at once | requests a second | times real time "
        "| added: median, 99 % | memory |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in methods.items():
        lines.extend(
            f"| {name} | {row['at_once']} | {row['per_second']:.1f} "
            f"| {row['times_real_time']:.0f} "
            f"| {row['added_p50_ms']:.0f} ms, {row['added_p99_ms']:.0f} ms "
            f"| {row['memory_mb']:.0f} MB |"
            for row in found["clips"]
        )
    lines += [
        "",
        "| live, 20 ms at a time | streams | lag: median, 99 % | straight to the upstream "
        "| memory |",
        "|---|---|---|---|---|",
    ]
    for name, found in methods.items():
        lines.extend(
            f"| {name} | {row['streams']} "
            f"| {row['lag_p50_ms']:.0f} ms, {row['lag_p99_ms']:.0f} ms "
            f"| {row['direct_lag_p50_ms']:.0f} ms, {row['direct_lag_p99_ms']:.0f} ms "
            f"| {row['memory_mb']:.0f} MB |"
            for row in found["live"]
        )
    return "\n".join(lines)


def ledger() -> str:
    """What each part does beside its peer, in the same run."""
    mcadams, neural, world, encoders = (
        _rows(n) for n in ("mcadams", "neural", "world", "encoders")
    )
    start = _read("startup")["cpu_seconds"]
    metrics = _read("metrics")
    sklearn = metrics["peers"]["sklearn"]
    dp = _read("dp")["networks"]["ECAPA-TDNN, C=64, 2 s"]["rows"]
    step, opacus = (dp[name]["ms a step"]["median"] for name in (
        "speaker-level, vectorised", "Opacus, hooks"))  # fmt: skip
    hubert = neural["HuBERT base"]["rtf"]["median"] + neural["HiFi-GAN V1"]["rtf"]["median"]
    knn = sum(neural[part]["rtf"]["median"] for part in (
        "WavLM-Large, 6 layers", "HiFi-GAN of kNN-VC"))  # fmt: skip
    peers, dio = (
        ("HuBERT base + HiFi-GAN V1", 1 / hubert),
        ("pyworld, DIO", _speed(world["pyworld, dio"])),
    )
    live = neural["voice_conversion, live, 20 ms"]
    lines = ["| what | voxguard | peer, in the same run | ratio |", "|---|---|---|---|"]
    for what, row, (peer, speed), ratio in (
        ("McAdams", mcadams["avx2"], ("VoicePrivacy 2024 B2", _speed(mcadams["B2"])), "times_b2"),
        ("voice conversion", neural["voice_conversion"], peers, "times peers"),
        ("voice conversion", neural["voice_conversion"],
         ("kNN-VC's WavLM + HiFi-GAN", 1 / knn), "times kNN-VC"),
        ("voice conversion, live", live,
         ("LLVC, live", _speed(neural["LLVC, live, 13 ms"])), "times LLVC"),
        ("x-vector swap", neural["xvector_swap"], peers, "times peers"),
        ("world", world["world"], dio, "times pyworld, dio"),
        ("world, differential", world["differential"], dio, "times pyworld, dio"),
        ("d-vector of an attacker", encoders["dvector"],
         ("resemblyzer", _speed(encoders["resemblyzer"])), "times resemblyzer"),
    ):  # fmt: skip
        lines.append(
            f"| {what} | {_speed(row):.0f} x real time | {peer}: {speed:.3g} x real time "
            f"| {row[ratio]['median']:.1f} x |"
        )
    eer = metrics["rows"]["eer"]["median"]
    lines += [
        f"| a file of 10 s, whole process (McAdams) | {start['voxguard']['median']:.2f} s CPU "
        f"| B2: {start['B2']['median']:.2f} s | {start['voxguard']['times B2']['median']:.1f} x |",
        f"| EER of a million trials | {eer * 1000:.0f} ms | scikit-learn: "
        f"{sklearn['seconds']['median'] * 1000:.0f} ms | {sklearn['times_ours']['median']:.1f} x |",
        f"| speaker-level DP, a step of ECAPA-TDNN | {step:.0f} ms | Opacus, example-level: "
        f"{opacus:.0f} ms | {opacus / step:.1f} x |",
    ]
    return "\n".join(lines)


def machines() -> str:
    """Which of the ledger's rows are of which machine."""
    rows: dict[str, list[str]] = {}
    for what, name in MEASURED.items():
        rows.setdefault(_read(name)["machine"]["cpu"], []).append(what)
    told = [f"{', '.join(some)}: one core of an {cpu}" for cpu, some in rows.items()]
    return "; ".join(told) + "."


def processors() -> str:
    """Ratios of what was measured on both processors."""
    ecapa = "ECAPA-TDNN, C=64, 2 s"
    compared: dict[str, tuple[str, tuple[str, ...]]] = {
        "McAdams, AVX2: times as fast as B2": ("mcadams", ("rows", "avx2", "times_b2")),
        "McAdams, numpy: times as fast as B2": ("mcadams", ("rows", "numpy", "times_b2")),
        "WORLD: times as fast as pyworld's chain, DIO": (
            "world", ("rows", "world", "times pyworld, dio")),
        "WORLD, differential: times as fast as that": (
            "world", ("rows", "differential", "times pyworld, dio")),
        "a whole process: times as fast as B2's": (
            "startup", ("cpu_seconds", "voxguard", "times B2")),
        "d-vector: times as fast as resemblyzer": (
            "encoders", ("rows", "dvector", "times resemblyzer")),
        "EER: times as fast as scikit-learn": ("metrics", ("peers", "sklearn", "times_ours")),
        "EER: times as fast as SpeechBrain": ("metrics", ("peers", "speechbrain", "times_ours")),
        "speaker-level DP on ECAPA-TDNN: times a plain step": (
            "dp", ("networks", ecapa, "rows", "speaker-level, vectorised", "times plain")),
    }  # fmt: skip
    lines = ["| | AMD EPYC | Intel Xeon |", "|---|---|---|"]
    for what, (name, keys) in compared.items():
        cells = []
        for found in (_read(name), _read(f"xeon/{name}")):
            for key in keys:
                found = found[key]
            digits = 0 if found["median"] > 100 else 1
            cells.append(
                f"{found['median']:.{digits}f} ({found['min']:.{digits}f} to "
                f"{found['max']:.{digits}f})"
            )
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cores() -> str:
    """On one core and on all of them."""
    found = _read("cores")
    machine, rows = found["machine"], found["rows"]
    lines = [
        f"On an {machine['cpu']}, {found['processes']} processes, {found['data']}; times real "
        "time, of metrics millions of scores a second, median and range:",
        "",
        "| what | one core | all cores | times one core |",
        "|---|---|---|---|",
    ]
    for name, row in (rows | found["scores"]).items():
        cells = [
            f"{row[key]['median']:.{digits}f} ({row[key]['min']:.{digits}f} to "
            f"{row[key]['max']:.{digits}f})"
            for key, digits in (("one core", 1), ("all cores", 1), ("times one core", 2))
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def corpus() -> str:
    """What a corpus costs, measured, and what that comes to at other sizes."""
    found = _read("xeon/corpus")
    about, rows = found["data"], found["methods"]
    lines = [
        f"{about['recordings']} recordings, {about['seconds'] / 60:.1f} minutes, on one core of an "
        f"{found['machine']['cpu']}:",
        "",
        "| method | CPU seconds | times real time, a core | most memory of a process |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {row['cpu_seconds']['median']:.1f} | "
        f"{row['real_time_a_core']['median']:.0f} | {row['memory_mb']:.0f} MB |"
        for name, row in rows.items()
    ]
    hours = (1, 1_000, 60_000)
    megabytes = about["bytes"] / about["seconds"] * 3600 / 1e6
    lines += [
        "",
        "Worked out from these, **not measured** at this size; money at the prices of "
        f"{CORE_HOUR} a core-hour and {GB_MONTH} a GB-month, which are assumptions: put in your "
        "own.",
        "",
        "| | 1 h | 1,000 h | 60,000 h (Libri-light) |",
        "|---|---|---|---|",
    ]
    for name, row in rows.items():
        needed = [h / row["real_time_a_core"]["median"] for h in hours]
        lines += [
            f"| `{name}`: core-hours | " + " | ".join(_short(n) for n in needed) + " |",
            f"| `{name}`: time on 2 cores, 64 cores | "
            + " | ".join(f"{_duration(n / 2)}, {_duration(n / 64)}" for n in needed) + " |",
            f"| `{name}`: money | " + " | ".join(f"{n * CORE_HOUR:,.2f}" for n in needed) + " |",
        ]  # fmt: skip
    stored = [h * megabytes / 1000 for h in hours]
    lines += [
        "| target as large as the source, GB | " + " | ".join(_short(n) for n in stored) + " |",
        "| its storage a month, money | "
        + " | ".join(f"{n * GB_MONTH:,.2f}" for n in stored) + " |",
    ]  # fmt: skip
    return "\n".join(lines)


def profile() -> str:
    """Where the time of the slowest three goes, and the least that each stage could take."""
    found = _read("profile")
    peak = {name: f"{value / 1e9:.0f}" for name, value in found["peak"].items()}
    lines = [
        f"On one core of an {found['machine']['cpu']}, {found['data']}: a matrix product makes "
        f"{peak['f32']} GFLOP/s in float32 and {peak['f64']} in float64, numpy's Fourier transform "
        f"{peak['transforms']}; {peak['bytes']} GB/s are read.",
    ]
    for name, method in found["methods"].items():
        lines += [
            "",
            f"| `{name}`, {1 / method['rtf']['median']:.0f} times real time | ms a second of audio "
            "| share | least, ms | times that |",
            "|---|---|---|---|---|",
        ]
        for stage, row in method["stages"].items():
            ms, share = row["ms"], row["share"]
            least, times = "", ""
            if "least_ms" in row:
                least = f"{row['least_ms']:.2g} ({row['bound']})"
                ratio = ms["median"] / row["least_ms"]
                times = f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
            lines.append(
                f"| {stage} | {ms['median']:.2f} ({ms['min']:.2f} to {ms['max']:.2f}) "
                f"| {share['median']:.0%} ({share['min']:.0%} to {share['max']:.0%}) "
                f"| {least} | {times} |"
            )
    longer = found["methods"]["voice_conversion"]["times long pieces"]
    plain = found["methods"]["voice_conversion, live"]["times numpy"]
    wrapped = [method["wrapped"]["median"] for method in found["methods"].values()]
    lines += [
        "",
        f"With the wrappers a run takes {min(wrapped):.2f} to {max(wrapped):.2f} times the CPU "
        "time of one without. Voice conversion of recordings in long pieces takes "
        f"{longer['median']:.2f} times as long ({longer['min']:.2f} to {longer['max']:.2f}), of "
        f"live signals by numpy alone {plain['median']:.2f} times ({plain['min']:.2f} to "
        f"{plain['max']:.2f}).",
    ]
    return "\n".join(lines)


def _read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())


def _rows(name: str) -> Any:
    return _read(name)["rows"]


def _speed(row: Any) -> float:
    return float(1.0 / row["rtf"]["median"])


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}"


def _duration(hours: float) -> str:
    """As people say it: 40 s, 12 min, 7 h, 3 days."""
    for unit, length in (("days", 24.0), ("h", 1.0), ("min", 1 / 60)):
        if hours >= 2 * length:
            return f"{hours / length:.0f} {unit}"
    return f"{hours * 3600:.0f} s"


if __name__ == "__main__":
    publish(ROOT / "README.md", {"benchmarks": table(), "ledger": ledger(), "machines": machines()})
    publish(
        ROOT / "benchmarks" / "README.md",
        {
            "cores": cores(),
            "gateway": gateway(),
            "processors": processors(),
            "profile": profile(),
        },
    )
    publish(ROOT / "docs" / "corpus.md", {"corpus": corpus()})
