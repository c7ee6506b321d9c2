"""What a gateway is told is looked at before it starts."""

import pytest

from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.gateway.settings import Settings
from voxguard.gateway.voice import Wire


@pytest.mark.parametrize(
    ("upstream", "path", "url"),
    [
        ("https://api.openai.com", "/v1/models", "https://api.openai.com/v1/models"),
        ("https://api.openai.com/v1", "/v1/models", "https://api.openai.com/v1/models"),
        ("https://api.openai.com/v1/", "/v1/models", "https://api.openai.com/v1/models"),
        ("http://[::1]:8000", "/health", "http://[::1]:8000/health"),
        ("https://x.example/compatible-mode", "/v1/chat/completions",
         "https://x.example/compatible-mode/v1/chat/completions"),
    ],
)  # fmt: skip
def test_where_a_path_goes(upstream, path, url):
    assert Settings(upstream=upstream).url(path) == url
    assert Settings(upstream=upstream).url(path, "a=b") == f"{url}?a=b"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"upstream": "api.openai.com"}, "takes the URL of a server"),
        ({"upstream": "ftp://x"}, "takes the URL of a server"),
        ({"upstream": "http://"}, "takes the URL of a server"),
        ({"upstream": "http://x?key=1"}, "without query"),
        ({"upstream": "http://me:secret@x"}, "without query, fragment and user"),
        ({"scope": "speaker"}, "scope takes request, session, api-key"),
        ({"max_seconds": 0}, "max_seconds takes a number above 0"),
        ({"max_body_mb": float("nan")}, "max_body_mb takes a number above 0"),
        ({"max_streams": True}, "max_streams takes"),
        ({"recording_workers": 0}, "recording_workers takes a number from 1"),
        ({"live_workers": -1}, "live_workers takes a number from 0"),
    ],
)
def test_what_cannot_be(wrong, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        Settings(**{"upstream": "http://x", **wrong})
    assert "secret" not in str(caught.value)


def test_the_key_is_not_shown():
    assert "secretsecretsecret" not in repr(Settings(upstream="http://x", key=b"secret" * 3))


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("pcm16", Wire(24_000)),
        ({"type": "audio/pcm"}, Wire(24_000)),
        ({"type": "audio/pcm", "rate": 16_000}, Wire(16_000)),
        ("g711_ulaw", Wire(8_000, "ULAW")),
        ({"type": "audio/pcma"}, Wire(8_000, "ALAW")),
    ],
)
def test_live_formats(name, wire):
    assert Wire.named(name, 24_000) == wire


@pytest.mark.parametrize("rate", [0, -1, 383_999, "24000", True, 1e9, [24_000]])
def test_live_rates_that_are_not_known(rate):
    with pytest.raises(UnsupportedAudioError, match="accepted are 8000, 11025"):
        Wire.named({"type": "audio/pcm", "rate": rate}, 24_000)


@pytest.mark.parametrize("name", ["opus", {"type": "audio/opus"}, 7, None, {"type": ["x"]}])
def test_live_formats_that_are_not_known(name):
    with pytest.raises(UnsupportedAudioError, match="accepted are audio/pcm, pcm16"):
        Wire.named(name, 24_000)
