"""Forks that are children of the keeper, although it has not forked them.

A process in between, which ends at once, makes them orphans, and the keeper is who adopts those.
"""

from __future__ import annotations

import contextlib
import os
import traceback

from .keeper import end_with_keeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PID_LENGTH = 20


def fork_orphan(
    keeper: int,
    unshare: Callable[[], None] | None = None,
    require: Callable[[], None] | None = None,
) -> int:
    """Fork a process that leads its own group and ends with the keeper of that pid.

    With `unshare`, which makes namespaces, it is the first process in them, and ends with those
    around them. `require` is called just before the fork, and raises where there must be none:
    in between, other threads have a turn only if they ask for it while hooks of fork are run.
    Answers 0 in that process, and its pid in the one that calls, once the other is on its way.
    Raises OSError when there cannot be another process.
    """
    telling, told = os.pipe()
    try:
        if require is not None:
            require()
        between = os.fork()
    except BaseException:
        os.close(telling)
        os.close(told)
        raise
    if between:
        os.close(told)
        # Where SIGCHLD is ignored, the system reaps it.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(between, 0)
        os.set_blocking(telling, False)
        with open(telling, "rb", buffering=0) as pipe:
            pid = pipe.read(_PID_LENGTH)
        if not pid:
            raise OSError("the copy could not be forked")
        return int(pid)
    try:
        os.close(telling)
        os.setpgid(0, 0)  # out of the group of the process that calls, which may be killed any time
        if unshare is not None:
            unshare()
        between = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(told)
            os.setpgid(0, 0)
            if unshare is not None:
                return 0
            while os.getppid() == between:  # whoever adopts us should be the keeper
                os.sched_yield()
            end_with_keeper(keeper)
            return 0
        os.write(told, str(pid).encode())
    except BaseException:
        with contextlib.suppress(BaseException):  # nothing may keep this process alive
            traceback.print_exc()
        os._exit(1)
    os._exit(0)
