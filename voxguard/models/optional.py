"""Packages that only some models need: imported when the model is made, or named in an error."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from voxguard.errors import ConfigurationError, MissingExtraError


def optional(module: str, extra: str, purpose: str) -> Any:
    """Import a package that an extra brings.

    Args:
        module: Dotted name of the module.
        extra: The extra that brings it.
        purpose: What needs it, as the subject of a sentence.

    Returns:
        The module.

    Raises:
        MissingExtraError: It is not installed.
        ConfigurationError: It is installed and cannot be imported.

    Example:
        >>> from voxguard.models.optional import optional
        >>> optional("numpy", "eval", "the example").__name__
        'numpy'
        >>> optional("no_such_package", "eval", "the example")
        Traceback (most recent call last):
            ...
        voxguard.errors.MissingExtraError: the example needs no_such_package, which is not ...
    """
    package = module.partition(".")[0]
    if find_spec(package) is None:
        raise MissingExtraError(package, extra, purpose)
    try:
        return import_module(module)
    except Exception as error:  # a broken installation can fail in any way; say which one it was
        raise ConfigurationError(
            f"{purpose} needs {module}, which is installed and cannot be imported "
            f'({type(error).__name__}: {error}); pip install --force-reinstall "voxguard[{extra}]"'
        ) from error
