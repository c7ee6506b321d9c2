"""The application: its commands, and how it fails."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

import voxguard
from voxguard.cli import (
    anonymize,
    card,
    compare,
    demo,
    doctor,
    evaluate,
    keygen,
    methods,
    pool,
    probe,
    serve,
)
from voxguard.cli.codes import DONE, EXIT_CODES, FAILED, INTERRUPTED, USAGE
from voxguard.cli.output import echo_error, echo_json
from voxguard.errors import ConfigurationError, VoxguardError

app = typer.Typer(
    help="Voice anonymization: take the voiceprint out of recordings before they leave.",
    epilog=EXIT_CODES,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("anonymize", help=anonymize.HELP, epilog=EXIT_CODES)(anonymize.anonymize)
app.command("evaluate", help=evaluate.HELP, epilog=EXIT_CODES)(evaluate.evaluate)
app.command("compare", help=compare.HELP, epilog=compare.EXIT_CODES)(compare.compare)
app.command("probe", help=probe.HELP, epilog=EXIT_CODES)(probe.probe)
app.command("card", help=card.CARD_HELP, epilog=EXIT_CODES)(card.card)
app.command("gate", help=card.GATE_HELP, epilog=card.GATE_EXIT_CODES)(card.gate)
app.command("methods")(methods.methods)
app.command("doctor")(doctor.doctor)
app.command("keygen")(keygen.keygen)
app.command("serve", help=serve.HELP, epilog=EXIT_CODES)(serve.serve)
app.command("demo", help=demo.HELP, epilog=EXIT_CODES)(demo.demo)
app.add_typer(pool.app, name="pool")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"voxguard {voxguard.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
        ),
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; by default the process's own.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _prepare_process()
    try:
        code = app(arguments or ["--help"], prog_name="voxguard", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:  # whoever reads the result has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except VoxguardError as error:
        _tell(type(error).__name__, str(error), arguments)
        return USAGE if isinstance(error, ConfigurationError) else FAILED
    except OSError as error:  # a path that the system refuses, or an output that is full
        _tell("OSError", f"{error.filename or 'output'}: {error.strerror or error}", arguments)
        return FAILED
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer has for a command it cannot parse
            raise
        _tell("UsageError", f"{error.format_message()} (see voxguard --help)", arguments)
        return USAGE
    if code == INTERRUPTED:
        echo_error("interrupted; no partial file was left")
    return code if isinstance(code, int) else DONE


def _prepare_process() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # names of files can be any bytes
    try:
        signal.signal(signal.SIGTERM, _interrupt)
    except ValueError:  # not in the main thread: then signals are the host's business
        return


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _tell(kind: str, message: str, arguments: Sequence[str]) -> None:
    echo_error(message)
    if "--json" in arguments:
        echo_json({"error": {"type": kind, "message": message}})
