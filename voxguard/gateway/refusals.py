"""How the gateway says no: in the error shape of the API that the client speaks."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from voxguard.errors import AudioError, ConfigurationError, StreamError, VoxguardError
from voxguard.gateway.workers import WorkerError
from voxguard.payloads.body import MalformedBodyError, UnknownBodyError, UnknownRouteError

_BODIES = (
    (MalformedBodyError, 400, "invalid_json"),
    (UnknownBodyError, 415, "not_understood"),
    (UnknownRouteError, 400, "not_understood"),
    (AudioError, 400, "invalid_audio"),
)
_TYPES = {429: "rate_limit_error"}  # of client errors; the others are invalid requests


class RefusedError(VoxguardError):
    """Something is not forwarded.

    Args:
        status: HTTP status.
        code: For programs.
        message: For people.
        param: Place in the request, such as ``messages[0].content[1]``.
    """

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param

    @classmethod
    def of(cls, error: Exception) -> RefusedError:
        """The refusal that an error amounts to. Of a foreign one only the type is told."""
        if isinstance(error, RefusedError):
            return error
        message, param = str(error), getattr(error, "param", None)
        for kind, status, code in _BODIES:
            if isinstance(error, kind):
                return cls(status, code, message, param)
        if isinstance(error, WorkerError | StreamError):
            return cls(503, "anonymization_failed", message)
        if isinstance(error, ConfigurationError):
            return cls(500, "not_configured", message)
        if isinstance(error, VoxguardError):
            return cls(500, "anonymization_failed", message, param)
        return cls(500, "internal_error", f"the gateway failed: {type(error).__name__}")

    @property
    def body(self) -> dict[str, Any]:
        """As the API has it."""
        kind = (
            _TYPES.get(self.status, "invalid_request_error")
            if self.status < 500
            else "server_error"
        )
        return {"message": str(self), "type": kind, "param": self.param, "code": self.code}

    def response(self) -> JSONResponse:
        """As an answer; the connection is not used again where a body may be left unread."""
        headers = {"connection": "close"} if self.status in (400, 413, 415, 429) else {}
        if self.status == 429:
            headers["retry-after"] = "1"
        return JSONResponse({"error": self.body}, self.status, headers)
