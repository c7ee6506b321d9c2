"""``voxguard pool``: make a speaker pool of one's own, and look at one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxguard.cli.codes import DONE, EXIT_CODES, FAILED
from voxguard.cli.output import echo_json, echo_table, echo_warning
from voxguard.errors import AudioError, ConfigurationError

if TYPE_CHECKING:
    from voxguard.evaluation.manifest import Manifest
    from voxguard.models.pool import SpeakerPool
    from voxguard.models.real_voices import Survey

BUILD_HELP = """Make a speaker pool from recordings of real speakers, without any of their voices.

\b
  voxguard pool build corpus/ --out pool.safetensors
  voxguard pool build manifest.csv --select split=pool --out pool.safetensors
  voxguard anonymize IN OUT --method xvector_swap -o pool=pool.safetensors

DATA is a folder speaker/utterance.wav, a manifest CSV (columns path, speaker and, better, sex: F or
M) or Kaldi data, with at least 20 speakers of each sex. A model is fitted to their vectors and
pitch, and voices are drawn from it; none is kept that is more like a speaker than other speakers
are. What is measured of the speakers is not written. Where a speaker's sex is not said, it is told
from the voice.
"""

app = typer.Typer(
    help="Speaker pools, from which xvector_swap and voice_conversion take voices.",
    rich_markup_mode=None,
)


@app.command("build", help=BUILD_HELP, epilog=EXIT_CODES)
def build(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Folder, manifest CSV, Kaldi data.")],
    out: Annotated[Path, typer.Option(metavar="POOL.safetensors", help="Where to write it.")],
    voices: Annotated[int, typer.Option(help="How many voices, half of each sex.")] = 200,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only these utterances of a manifest."),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help="Space in which voices are compared: dvector, ecapa, xvector, or a SpeechBrain "
            "encoder's name or folder."
        ),
    ] = "dvector",
    seed: Annotated[int, typer.Option(help="Another one draws other voices.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="Where encoders run.")] = "cpu",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What became of it, as JSON.")] = False,
) -> int:
    """Make a speaker pool from recordings of real speakers, without any of their voices."""
    if out.exists() and not overwrite:
        raise ConfigurationError(f"{out} exists; choose another name, or --overwrite")
    import numpy as np

    from voxguard.evaluation.manifest import read_manifest
    from voxguard.models.pool_fit import fit_pool
    from voxguard.models.real_voices import Survey

    manifest = read_manifest(data)
    if select:
        manifest = manifest.select(_conditions(select))
    survey = Survey(encoder, device=device)
    failed = _measure(manifest, survey)
    real = survey.voices()
    if survey.unvoiced:
        echo_warning(f"{len(survey.unvoiced)} speakers left out: next to nothing is voiced")
    if survey.guessed:
        echo_warning(f"the sex of {len(survey.guessed)} speakers is not said: told from the voice")
    pool = fit_pool(real, voices, np.random.default_rng(seed))
    pool.save(out, overwrite=overwrite)
    told = {"failed": failed, "left_out": len(survey.unvoiced), "guessed": len(survey.guessed)}
    _tell(out, pool, told, as_json)
    return FAILED if failed else DONE


@app.command("show")
def show(
    file: Annotated[
        Path | None, typer.Argument(help="A pool.  [the one that comes with voxguard]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
) -> None:
    """Say what voices a speaker pool has, and how far they are from those it was made from."""
    from voxguard.models.pool import SpeakerPool

    pool = SpeakerPool.shipped() if file is None else SpeakerPool.load(file)
    _tell(file, pool, {}, as_json)


def _conditions(select: list[str]) -> dict[str, list[str]]:
    conditions: dict[str, list[str]] = {}
    for text in select:
        column, equals, value = text.partition("=")
        if not (column and equals):
            raise ConfigurationError(f"--select takes COLUMN=VALUE, got {text!r}")
        conditions.setdefault(column, []).append(value)
    return conditions


def _measure(manifest: Manifest, survey: Survey) -> int:
    """Measure all recordings; how many could not be."""
    from voxguard.audio import read, resample
    from voxguard.cli.stages import stages
    from voxguard.dsp.pitch import SAMPLE_RATE

    failed = 0
    with stages() as tell:
        for done, utterance in enumerate(manifest.utterances):
            tell("measuring the speakers", done, len(manifest.utterances))
            sex = utterance.labels.get("sex", "").strip().upper()[:1]  # F, f, female ...
            try:
                samples, rate = read(utterance.path)
                mono = resample(samples, rate, SAMPLE_RATE).mean(axis=0)
                survey.add(utterance.speaker, mono, sex)
            except AudioError as error:
                echo_warning(f"{utterance.id} is left out: {error}")
                failed += 1
    return failed


def _tell(path: Path | None, pool: SpeakerPool, told: dict[str, int], as_json: bool) -> None:
    content = _content(pool) | told
    if as_json:
        echo_json({"pool": str(path) if path else None, **content})
        return
    rows = [["voices", str(content["voices"])], ["encoder", pool.encoder]]
    for sex, about in content["sexes"].items():
        low, middle, high = about["f0_hz"]
        text = f"{about['voices']}; mean F0 {low} to {high} Hz, median {middle}"
        rows.append([f"sex {sex}", text])
    for what, figure in content["about"].items():
        if isinstance(figure, dict):
            rows += [[f"{what}, {which}", _inline(figures)] for which, figures in figure.items()]
        else:
            rows.append([what, str(figure)])
    echo_table([["pool", str(path) if path else "the one that comes with voxguard"], *rows])


def _inline(figures: Any) -> str:
    if not isinstance(figures, dict):
        return str(figures)
    return ", ".join(f"{name} {figure}" for name, figure in figures.items())


def _content(pool: SpeakerPool) -> dict[str, Any]:
    import numpy as np

    sexes = {}
    for sex in sorted(set(pool.sex.tolist())):
        f0_hz = np.exp(np.percentile(pool.log_f0_mean[pool.sex == sex], [0, 50, 100]))
        count = int((pool.sex == sex).sum())
        sexes[sex] = {"voices": count, "f0_hz": [round(float(each)) for each in f0_hz]}
    about = dict(sorted(pool.about.items()))
    return {"voices": len(pool), "encoder": pool.encoder, "sexes": sexes, "about": about}
