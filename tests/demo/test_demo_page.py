"""The page in a real browser: everything that can be done with it, by mouse and by keyboard."""

import numpy as np
import pytest

pytest.importorskip("selenium", reason="needs selenium and Chromium")

from browser import assert_shows_a_result
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from voxguard.audio import AudioWriter, encode


@pytest.fixture
def file(tmp_path, make_voice):
    path = tmp_path / "hello there.flac"
    with AudioWriter(path, 16_000, 1) as writer:
        writer.write(make_voice(seconds=4.5, speaker=3)[None])
    return path


def test_a_made_voice(page):
    assert page.find("result").is_displayed() is False
    page.made()
    assert page.text("source").startswith("A made voice: 5.0")
    assert_shows_a_result(page)
    if "not measured" not in page.text("likeness-figure"):
        assert "0.62" in page.text("likeness-bars")
        assert "The made voice" in page.text("likeness-note")
    assert page.text("run") == "Again, another draw"


def test_again_is_another_draw(page):
    page.made("test-scramble")
    first = page.find("after").get_attribute("src")
    page.find("run").click()
    page.wait(f"![null, '{first}'].includes(document.getElementById('after').getAttribute('src'))")
    page.wait_done()
    assert_shows_a_result(page)


def test_before_and_after_are_played_one_at_a_time(page):
    page.made()
    page("document.getElementById('before').play()")
    page.wait("!document.getElementById('before').paused")
    page("document.getElementById('after').play()")
    page.wait(
        "document.getElementById('before').paused && document.getElementById('after').currentTime"
    )
    assert page("return !document.querySelectorAll('.head')[1].hidden")
    page("document.getElementById('after').pause()")


def test_a_file(page, file):
    page.find("file").send_keys(str(file))
    page.wait_ready()
    assert page.text("source") == "hello there.flac: 4.5\u00a0s, 16\u00a0kHz, mono"
    page.choose_method("mcadams")
    page.find("run").click()
    page.wait_done()
    assert_shows_a_result(page)
    assert "The made voice" not in page.text("likeness-note")


def test_a_file_that_is_dropped(page):
    page(
        """
        const bytes = Uint8Array.from(arguments[0]);
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], "dropped.wav"));
        document.getElementById("drop").dispatchEvent(
          new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
        """,
        list(_wav(np.sin(np.arange(8000) / 20))),
    )
    page.wait_ready()
    assert page.text("source").startswith("dropped.wav: 0.50")


def _wav(samples):
    return encode(0.3 * samples.astype(np.float32)[None], 16_000, "wav")


def test_a_file_that_only_the_browser_reads(page):
    """WebM, which takes an extra to be read, is decoded by the page and sent as WAV."""
    page.complaints_expected = True  # of the status with which the server declines the WebM
    page(
        """
        window.done = false;
        const context = new AudioContext();
        const tone = new OscillatorNode(context), out = context.createMediaStreamDestination();
        tone.connect(out);
        tone.start();
        const recorder = new MediaRecorder(out.stream, { mimeType: "audio/webm" });
        recorder.ondataavailable = ({ data }) => {
          context.close();
          const carried = new DataTransfer();
          carried.items.add(new File([data], "note.webm"));
          document.getElementById("drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
        };
        recorder.start();
        setTimeout(() => recorder.stop(), 1200);
        """
    )
    page.wait("document.getElementById('source').textContent.startsWith('note.webm: 1')")
    page.choose_method("mcadams")
    page.find("run").click()
    page.wait_done()
    assert_shows_a_result(page, shades=10)  # of a single tone


def test_a_recording_from_the_microphone(page):
    page.find("record").click()
    page.wait("document.getElementById('record').textContent.startsWith('Stop (1')")
    assert page.find("record").get_attribute("aria-pressed") == "true"
    assert page.find("meter").is_displayed()
    # the browser's fake microphone beeps once a second
    page.wait("!/scaleX\\(0\\)/.test(document.querySelector('#meter span').style.transform)")
    page.find("record").click()
    page.wait_ready()
    assert page.text("source").startswith("Your recording: 1.")
    assert page.text("record") == "Record"
    page.choose_method("mcadams")
    page.find("run").click()
    page.wait_done()
    assert_shows_a_result(page)


def test_no_microphone(page):
    page(
        "navigator.mediaDevices.getUserMedia ="
        " () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    page.find("record").click()
    page.wait("document.getElementById('error').textContent")
    assert "NotAllowedError" in page.text("error")
    assert page.text("record") == "Record"


def test_a_method_that_breaks_leaves_the_after_side_empty(page):
    page.complaints_expected = True
    page.made()
    page.choose_method("test-fault")
    page.find("run").click()
    page.wait("document.getElementById('error').textContent")
    assert "RuntimeError" in page.text("error")
    assert page.find("error").get_attribute("role") == "alert"
    assert not page.find("after").get_attribute("src")
    assert not page.find("after").is_displayed()
    assert not page("return document.getElementById('save').hasAttribute('href')")
    assert "nothing came out" in page.text("nothing")
    assert page("return [...document.querySelectorAll('.measured')].every(part => part.hidden)")
    page.choose_method("mcadams")  # and it goes on
    page.find("run").click()
    page.wait_done()
    assert_shows_a_result(page)


@pytest.mark.parametrize("content", [b"no audio at all", None], ids=["text", "cut short"])
def test_a_bad_file(page, tmp_path, content):
    page.complaints_expected = True
    path = tmp_path / "bad.wav"
    path.write_bytes(content or _wav(np.ones(8000))[:5000])
    page.find("file").send_keys(str(path))
    page.wait("document.getElementById('error').textContent")
    assert "the recording" in page.text("error").lower()
    assert not page.find("result").is_displayed()
    assert page.find("run").get_attribute("aria-disabled") == "true"


def test_a_file_that_is_too_large_is_not_sent(page, tmp_path):
    path = tmp_path / "large.wav"
    with path.open("wb") as file:
        file.truncate(21_000_000)
    page.find("file").send_keys(str(path))
    page.wait("document.getElementById('error').textContent")
    assert "20 MB" in page.text("error")


def test_anonymizing_nothing(page):
    page.find("run").click()
    page.wait("document.getElementById('error').textContent")
    assert page.text("error") == "Choose a recording first."


def test_methods_that_cannot_be_made_say_why(page):
    assert page("return document.getElementById('method-knn_vc').disabled")
    row = page("return document.getElementById('method-knn_vc').parentElement.textContent")
    assert "vocoder" in row


def test_by_keyboard_alone(page):
    def press(key):
        ActionChains(page.driver).send_keys(key).perform()

    def focused():
        return page("return document.activeElement.id")

    def tab_to(name, most=30):
        for _ in range(most):
            if focused() == name:
                outline = page("return getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{name} does not show that it has the focus"
                return
            press(Keys.TAB)
        pytest.fail(f"Tab does not lead to {name}")

    order = []
    for _ in range(5):
        press(Keys.TAB)
        order.append(focused())
    assert order == ["record", "choose", "made", "method-voice_conversion", "run"]
    page.driver.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.driver.refresh()
    page.wait("document.querySelector('input[name=method]:checked')")
    tab_to("made")
    press(Keys.ENTER)
    page.wait_ready()
    assert focused() == "made"
    tab_to("method-voice_conversion")
    press(Keys.ARROW_DOWN)
    assert focused() == "method-mcadams"
    tab_to("run")
    press(Keys.SPACE)
    page.wait_done()
    assert focused() == "run"
    tab_to("before")
    press(Keys.SPACE)
    page.wait("!document.getElementById('before').paused")
    press(Keys.SPACE)
    page.wait("document.getElementById('before').paused")
    tab_to("after")
    tab_to("save")
    press([Keys.SHIFT, Keys.TAB])


def test_real_speech(page, shared_data):
    path = sorted((shared_data / "speech" / "eval").rglob("*.flac"))[0]
    page.find("file").send_keys(str(path))
    page.wait_ready()
    page.choose_method("voice_conversion")
    page.find("run").click()
    page.wait_done()
    assert_shows_a_result(page)
