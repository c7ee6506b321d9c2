"""The page in a real browser, as somebody in front of it has it."""

import json
import time

from selenium.webdriver.common.by import By

FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-background-networking
--disable-component-update --disable-sync --no-first-run --use-fake-device-for-media-stream
--use-fake-ui-for-media-stream --autoplay-policy=no-user-gesture-required"""
PATIENCE_S = 60


class Page:
    """The page, as somebody in front of it has it."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address

    def __call__(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, name):
        return self.driver.find_element(By.ID, name)

    def text(self, name):
        return self("return document.getElementById(arguments[0]).textContent", name)

    def wait(self, condition, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not (value := self(f"return {condition}")):
            state = [self.text(name) for name in ("status", "error", "source")]
            assert time.monotonic() < end, f"{condition} never came: {state}"
            time.sleep(0.05)
        return value

    def wait_ready(self):
        self.wait("document.getElementById('status').textContent === 'Ready.'")

    def wait_done(self):
        self.wait("document.getElementById('status').textContent.startsWith('Done')")

    def choose_method(self, name):
        self(f"document.getElementById('method-{name}').click()")

    def resize(self, width, height=800, scale=1):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600},
        )

    def prefer(self, **features):
        named = [
            {"name": f"prefers-{k.replace('_', '-')}", "value": v} for k, v in features.items()
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})

    def made(self, method="mcadams"):
        """Run through: a made voice, a method, its result."""
        self.find("made").click()
        self.wait_ready()
        self.choose_method(method)
        self.find("run").click()
        self.wait_done()


def assert_asks_nobody_else(driver, address):
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert asked
    for url in asked:
        assert url.startswith((address, f"blob:{address.rsplit('/', 2)[0]}/", "about:", "data:")), (
            url
        )


def assert_shows_a_result(page, shades=50):
    assert page.text("error") == ""
    for side in ("before", "after"):
        page.wait(f"document.getElementById('{side}').duration > 0.5")
        painted = page(
            "const c = document.getElementById(arguments[0]);"
            "const d = c.getContext('2d').getImageData(60, 20, c.width - 80, c.height - 60).data;"
            "return new Set(d).size",
            f"{side}-picture",
        )
        assert painted > shades
    for chart in ("pitch", "level"):
        tracks = page(
            "return [...document.querySelectorAll(arguments[0])]"
            ".map(path => path.getAttribute('d').length)",
            f"#{chart}-chart .track",
        )
        assert len(tracks) == 2
        assert min(tracks) > 30
    assert "Hz" in page.text("pitch-figure")
    assert "dB" in page.text("level-figure")
    assert "times real time" in page.text("time-note")
    assert page("return document.getElementById('save').href").startswith("blob:")
