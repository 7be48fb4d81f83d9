"""How much memory is free: a process that takes more is killed without a word."""

from __future__ import annotations

import os
import resource
from pathlib import Path

# What containers and batch systems allow, in cgroups of version 2 and 1, each with what is used of it.
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def free_bytes() -> float:
    """The least of what the machine, the container and `ulimit -v` leave; infinite where nothing says it."""
    left = [float("inf")]
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                left.append(1024 * float(line.split()[1]))
    except OSError:
        left.append(float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES"))
    left += [most - (_number(used) or 0) for limit, used in _CGROUPS if (most := _number(limit)) is not None]
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = _number("/proc/self/statm")
    if most != resource.RLIM_INFINITY and pages is not None:
        left.append(most - pages * os.sysconf("SC_PAGE_SIZE"))
    return max(0.0, min(left))


def _number(path: str) -> float | None:
    """The first word of a file of the system's; None where there is none, or it is no number (`max`)."""
    try:
        return float(Path(path).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
