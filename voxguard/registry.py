"""Names for classes: built in, or brought by a plug-in through an entry point.

Nothing is imported until its name is asked for, so listing the methods is cheap, and one broken
plug-in does not take the others down.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from voxguard.errors import ConfigurationError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps a name to a class that is imported on first use.

    Args:
        kind: What the names stand for, in the words of an error message.
        group: Entry-point group in which plug-ins announce theirs.
        builtin: Name to ``"module:Class"``.

    Example:
        >>> from voxguard.registry import Registry
        >>> codecs = Registry("codec", "example.codecs", {"path": "pathlib:Path"})
        >>> codecs.names()
        ['path']
        >>> codecs.get("path").__name__
        'Path'
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._references = dict(builtin)
        self._classes: dict[str, type[T]] = {}
        self._searched = False

    def names(self) -> list[str]:
        """All known names, sorted."""
        self._search()
        return sorted({*self._references, *self._classes})

    def register(self, name: str, cls: type[T]) -> type[T]:
        """Add a class under a name of its own.

        Raises:
            ConfigurationError: The name is taken by another class.
        """
        self._search()
        if name in self._references or self._classes.get(name, cls) is not cls:
            raise ConfigurationError(
                f"{self.kind} {name!r} is already registered; choose another name"
            )
        self._classes[name] = cls
        return cls

    def get(self, name: str) -> type[T]:
        """The class behind a name.

        Raises:
            UnknownNameError: Nothing bears that name; the message lists what does.
            ConfigurationError: The plug-in behind the name cannot be imported.
        """
        if name not in self._classes:
            if name not in self._references:
                self._search()
            if name not in self._references and name not in self._classes:
                raise UnknownNameError(self.kind, name, self.names())
        if name not in self._classes:
            self._classes[name] = self._load(name)
        return self._classes[name]

    def _load(self, name: str) -> type[T]:
        reference = self._references[name]
        module, _, attribute = reference.partition(":")
        try:
            found: Any = getattr(import_module(module), attribute)
        except Exception as error:  # a plug-in can fail in any way; say which one it was
            raise ConfigurationError(
                f"{self.kind} {name!r} ({reference}) cannot be loaded: "
                f"{type(error).__name__}: {error}"
            ) from error
        return cast("type[T]", found)

    def _search(self) -> None:
        if self._searched:
            return
        for entry in entry_points(group=self.group):
            if self._references.setdefault(entry.name, entry.value) != entry.value:
                raise ConfigurationError(
                    f"two packages offer the {self.kind} {entry.name!r}: "
                    f"{self._references[entry.name]} and {entry.value}; uninstall one"
                )
        self._searched = True
