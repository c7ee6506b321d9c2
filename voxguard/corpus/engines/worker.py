"""What runs in a worker process."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from typing import Any

from voxguard.corpus.settings import Maker, Settings
from voxguard.corpus.unit import Workplace
from voxguard.errors import VoxguardError
from voxguard.files.interruption import Stop, Stopped

READY = "ready"
_ORPHANED = 70


def work(driver: Connection[Any, Any], settings: Settings, maker: Maker) -> None:
    """Do units until there are none; end at once if the driver dies.

    Args:
        driver: Gives units, and None at the end; is told `READY`, outcomes, or why nothing works.
        settings: Of the run.
        maker: Makes the anonymizer.
    """
    stop = Stop()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what Ctrl-C ends
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        place = Workplace(settings, maker)
    except VoxguardError as error:
        driver.send(str(error))
        return
    driver.send(READY)
    try:
        while (unit := driver.recv()) is not None:
            driver.send(place.do(unit, stop.look))
    except (EOFError, OSError, Stopped):
        return


def _end_with_parent() -> None:
    """A worker whose driver was killed must not go on beside the driver's successor."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(_ORPHANED)
