"""The control group of this session, into which Node puts this process before any code runs."""

from __future__ import annotations

import os
import sys
from time import monotonic, sleep

_MEMBERSHIP = "/proc/self/cgroup"
_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.0005


def await_group(name: str) -> None:
    """Return when the system says that this process is in the group of that name.

    Ends the process where that does not come about.
    """
    deadline = monotonic() + _WAIT_SECONDS
    while _own_group() != name:
        if monotonic() > deadline:
            sys.stderr.write(f"This process was not put into its control group, {name}.\n")
            os._exit(1)
        sleep(_LOOK_SECONDS)


def _own_group() -> str:
    """Answer the name of the group (version 2); only its end is the same in all namespaces."""
    with open(_MEMBERSHIP) as file:
        for line in file:
            if line.startswith("0::"):
                return line.rstrip("\n").rpartition("/")[2]
    return ""
