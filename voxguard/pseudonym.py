"""Where a pseudo-voice comes from: a secret draw, a keyed pseudonym, or a research seed.

Every draw starts from HMAC-SHA256(secret, scope). What differs is the secret: by default 32 bytes
of the operating system's entropy that live and die with the object, so that nobody can repeat the
draw; with ``key=`` the owner of the key can; with ``seed=`` everybody can.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from voxguard.errors import ConfigurationError

Scope = Literal["utterance", "session", "corpus"]
Origin = Literal["secret", "key", "seed"]

MIN_KEY_BYTES = 16


class Randomness(TypedDict, total=False):
    """The arguments about randomness that every anonymizer takes; see :class:`Pseudonyms`."""

    key: bytes | None
    seed: int | None
    scope: Scope | None
    session: str | None


class Pseudonyms:
    """Gives each scope its own random generator.

    Args:
        key: Secret key of at least 16 bytes. The same key gives the same speaker the same
            pseudo-voice in every run; voices under different keys cannot be linked.
        seed: For research only: whoever knows the seed can repeat, and for some methods undo, the
            draw. Recorded in what is written, and marked there as weakening privacy.
        scope: How long a speaker keeps one pseudo-voice. ``"utterance"``: never twice (unless the
            utterance is named). ``"session"``: within one session. ``"corpus"``: as long as the
            key lives. By default ``"corpus"`` where a speaker is named, else ``"utterance"``.
        session: Names the session, so that it can be taken up again under the same key; the scope
            is then ``"session"``. By default every object is a session of its own.

    Raises:
        ConfigurationError: The key is too short, or both key and seed are given, or the scope is
            unknown.

    Example:
        >>> from voxguard.pseudonym import Pseudonyms
        >>> key = bytes(range(32))
        >>> anna = Pseudonyms(key=key).generator("demo", speaker="anna").random()
        >>> anna == Pseudonyms(key=key).generator("demo", speaker="anna").random()
        True
        >>> anna == Pseudonyms(key=key).generator("demo", speaker="bert").random()
        False
    """

    def __init__(
        self,
        *,
        key: bytes | None = None,
        seed: int | None = None,
        scope: Scope | None = None,
        session: str | None = None,
    ) -> None:
        if key is not None and seed is not None:
            raise ConfigurationError("got both key= and seed=; give one of them, or neither")
        if key is not None and not (isinstance(key, bytes) and len(key) >= MIN_KEY_BYTES):
            raise ConfigurationError(
                f"key= takes at least {MIN_KEY_BYTES} secret bytes; make one with "
                "`voxguard keygen FILE` or secrets.token_bytes(32)"
            )
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise ConfigurationError(f"seed= takes an integer of at least 0, got {seed!r}")
        if scope is not None and scope not in get_args(Scope):
            raise ConfigurationError(f"scope= takes {', '.join(get_args(Scope))}; got {scope!r}")
        if session is not None and scope not in (None, "session"):
            raise ConfigurationError(f'session= is for scope="session", got scope={scope!r}')
        _check_name("session", session)
        self.origin: Origin = "key" if key else "seed" if seed is not None else "secret"
        self.seed = seed
        self.scope: Scope | None = "session" if session is not None else scope
        self.session = session
        if key is not None:
            self._secret = key
        elif seed is not None:
            self._secret = hashlib.sha256(f"voxguard seed {seed}".encode()).digest()
        else:
            self._secret = secrets.token_bytes(32)
        self._own_session = "" if seed is not None else secrets.token_hex(16)
        self._calls = 0
        self._lock = threading.Lock()

    def generator(
        self, purpose: str, *, speaker: str | None = None, utterance: str | None = None
    ) -> np.random.Generator:
        """A generator for one draw.

        Args:
            purpose: Separates the draws of different methods under one key.
            speaker: Whose pseudo-voice; needed where the scope is ``"corpus"``.
            utterance: Names the utterance, so that its draw can be repeated under a key or seed.

        Raises:
            ConfigurationError: The scope is ``"corpus"`` and no speaker is named.
        """
        _check_name("speaker", speaker)
        _check_name("utterance", utterance)
        scope = self.scope or ("utterance" if speaker is None else "corpus")
        if scope == "corpus":
            if speaker is None:
                raise ConfigurationError(
                    'scope="corpus" gives every speaker one pseudo-voice: say whose it is with '
                    'speaker=, or choose scope="utterance"'
                )
            identity = [speaker]
        elif scope == "session":
            identity = [self.session or self._own_session, speaker or ""]
        else:
            identity = [speaker or "", self._once() if utterance is None else f"={utterance}"]
        message = b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (
                text.encode("utf-8", "surrogateescape")
                for text in ["voxguard", purpose, scope, *identity]
            )
        )
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()
        return np.random.default_rng(np.random.SeedSequence(int.from_bytes(digest), pool_size=8))

    def _once(self) -> str:
        """An utterance name that does not come again: random, or counted under a seed."""
        if self.origin != "seed":
            return secrets.token_hex(16)
        with self._lock:
            self._calls += 1
            return str(self._calls)

    def describe(self) -> dict[str, Any]:
        """What may be written down about the randomness: never a key or anything derived from it.

        Example:
            >>> from voxguard.pseudonym import Pseudonyms
            >>> Pseudonyms(seed=7).describe()["seed"]
            7
        """
        about: dict[str, Any] = {"origin": self.origin, "scope": self.scope or "automatic"}
        if self.seed is not None:
            about |= {
                "seed": self.seed,
                "weakens_privacy": "the draw can be repeated by anyone who knows the seed",
            }
        return about

    def __repr__(self) -> str:
        about = f"seed={self.seed}, weakens privacy" if self.seed is not None else self.origin
        return f"Pseudonyms({about}, scope={self.scope or 'automatic'})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def _check_name(what: str, value: str | None) -> None:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{what}= takes text, got {type(value).__name__}")


def generate_key() -> bytes:
    """32 fresh secret bytes, for ``key=``."""
    return secrets.token_bytes(32)


def read_key(path: str | Path) -> bytes:
    """Read a key file: hexadecimal text, as ``voxguard keygen`` or ``openssl rand -hex 32`` write.

    Raises:
        ConfigurationError: The file is missing, is not hexadecimal, or holds too short a key. The
            message never shows its content.
    """
    try:
        key = bytes.fromhex(Path(path).read_text("ascii").strip())
    except OSError as error:
        raise ConfigurationError(f"key file {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(
            f"key file {path} must hold a key as hexadecimal text; make one with `voxguard keygen`"
        ) from None
    if len(key) < MIN_KEY_BYTES:
        raise ConfigurationError(
            f"key file {path} holds {len(key)} bytes; at least {MIN_KEY_BYTES} are needed"
        )
    return key
