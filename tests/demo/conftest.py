"""The page's server in the process and as one, a browser, and methods that break."""

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import voxguard
from voxguard.anonymizers.base import registry
from voxguard.audio import encode

ADDRESS = "http://127.0.0.1:8000/a-token-of-the-tests"

_spec = spec_from_file_location(
    "voxguard_test_methods", Path(__file__).parents[1] / "plugin" / "voxguard_test_methods.py"
)
_plugin = module_from_spec(_spec)
_spec.loader.exec_module(_plugin)


@pytest.fixture
def client():
    testclient = pytest.importorskip("starlette.testclient")
    from voxguard.demo.app import create_app

    token = ADDRESS.rpartition("/")[2]
    with testclient.TestClient(create_app(token), base_url=ADDRESS) as made:
        yield made


@pytest.fixture
def recording(make_voice):
    """The content of a WAV: two seconds of a voice."""
    return encode(make_voice(seconds=2.0)[None], 16_000, "wav")


@pytest.fixture
def install(monkeypatch):
    """Put a class into the registry under a name, for one test."""

    def put(name, cls):
        monkeypatch.setitem(registry._classes, name, cls)

    return put


@pytest.fixture
def break_by(install):
    """Register ``broken``, which fails in a given way, on what is longer than the trial."""

    def put(kind):
        class Broken(_plugin.Fault):
            name = "broken"

            def __init__(self, **randomness):
                super().__init__(kind=kind, after=9_000, **randomness)

            @property
            def options(self):
                return {}

        install("broken", Broken)

    return put


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    root = Path(voxguard.__file__).parents[1]
    paths = os.pathsep.join(map(str, [root, Path(__file__).parents[1] / "plugin"]))
    folder = tmp_path_factory.mktemp("server")
    # As without the extra `media`: what libsndfile does not read is left to the browser.
    (folder / "av.py").write_text("raise ImportError")
    process = subprocess.Popen(
        [sys.executable, "-m", "voxguard", "demo", "--no-browser"],
        cwd=folder, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    yield process.stdout.readline().strip()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    from browser import FLAGS
    from selenium.webdriver.chrome.service import Service

    names = ("chromium", "chromium-browser", "google-chrome")
    browser, service = (
        next(filter(None, map(shutil.which, names)), None),
        shutil.which("chromedriver"),
    )
    if browser is None or service is None:
        pytest.skip("needs Chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('browser')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(service))
    yield made
    made.quit()


@pytest.fixture
def page(driver, address):
    """The page, opened anew; afterwards nothing was complained of, and nobody else was asked."""
    from browser import Page, assert_asks_nobody_else

    opened = Page(driver, address)
    opened.resize(1280)
    opened.prefer(color_scheme="light", reduced_motion="reduce")
    driver.get("about:blank")
    for kind in ("browser", "performance"):
        driver.get_log(kind)
    driver.get(address)
    opened.wait("document.querySelector('input[name=method]:checked')")
    opened.complaints_expected = False
    yield opened
    complaints = [entry["message"] for entry in driver.get_log("browser")]
    complaints = [
        c for c in complaints if "willReadFrequently" not in c
    ]  # it is the tests that read
    if not opened.complaints_expected:
        assert not complaints
    assert_asks_nobody_else(driver, address)
