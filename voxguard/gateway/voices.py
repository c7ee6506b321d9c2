"""Whose pseudo-voice a recording gets: that of a request, a session or an API key."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from voxguard.gateway.settings import Scope

SESSION_HEADER = "x-voxguard-session"
_KEY_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key")


def voice_name(scope: Scope, headers: Mapping[str, str]) -> str:
    """A name that is the same for whatever is to be said in one voice.

    The pseudo-voice is drawn by HMAC from this name under the gateway's secret, so it can neither
    be guessed nor linked without that.

    Args:
        scope: What keeps one voice. Where its mark is missing (no session named, no API key), the
            request does.
        headers: Of the request; names in lower case.

    Example:
        >>> from voxguard.gateway.voices import voice_name
        >>> headers = {"authorization": "Bearer a", "x-voxguard-session": "call 7"}
        >>> voice_name("session", headers) == voice_name("session", dict(headers))
        True
        >>> voice_name("request", headers) == voice_name("request", headers)
        False
    """
    owner = [headers[name] for name in _KEY_HEADERS if name in headers]
    session = headers.get(SESSION_HEADER)
    if scope == "session" and session:
        return _digest("session", *owner, session)
    if scope == "api-key" and owner:
        return _digest("api-key", *owner)
    return f"request {secrets.token_hex(16)}"


def _digest(*parts: str) -> str:
    """Parts as one name that shows none of them."""
    whole = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)
    return hashlib.sha256(whole).hexdigest()
