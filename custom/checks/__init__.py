"""The door: what a user asked for is checked before hours are spent, and what is wrong is said in one line.

A config's `initialize` begins with `$checks.one_line_errors()` and `$checks.overrides()`; paths and images follow.
Checks raise `RequestError`, they never exit: only the hook that `one_line_errors` installs makes it exit status 2.
"""

from .command_line import given_options, merged_config, overrides, typed_options
from .errors import RequestError, did_you_mean, raise_problems
from .exits import one_line_errors, partial
from .paths import output_dir
from .running import config_dir

__all__ = [
    "RequestError",
    "config_dir",
    "did_you_mean",
    "given_options",
    "merged_config",
    "one_line_errors",
    "output_dir",
    "overrides",
    "partial",
    "raise_problems",
    "typed_options",
]
