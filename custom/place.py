"""Where the bundle and the user's cache are, whatever directory a command is started from."""

from __future__ import annotations

import os
from pathlib import Path

from .checks import RequestError, config_dir

_PACKAGE = Path(__file__).resolve().parent


def bundle_root() -> str:
    """The folder that holds `configs/`: that of the config which is run, if it lies in a bundle.

    Else `bundle/` beside the package, or the package's parent in a shipped bundle.

    Returns:
        An absolute path.

    Raises:
        RequestError: Neither is there, as when the package was installed without its checkout.
    """
    own = config_dir()
    if own is not None and own.name == "configs" and (own / "metadata.json").is_file():
        return str(own.parent)
    candidates = [_PACKAGE.parent / "bundle", _PACKAGE.parent]
    for candidate in candidates:
        if (candidate / "configs").is_dir():
            return str(candidate)
    looked = " or ".join(str(candidate / "configs") for candidate in candidates)
    raise RequestError(f"no bundle beside the package: looked for {looked}; give --bundle_root")


def cache_dir() -> Path:
    """The user's cache of this project, by the XDG base directory rules: nothing in it is missed when deleted.

    Returns:
        An absolute path; it may not exist yet.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The rules say to ignore a relative path.
    return (base if base.is_absolute() else Path.home() / ".cache") / "moe-segmentation"
