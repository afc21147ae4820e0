"""What libraries remember of threads and processes that a copy of their process does not have.

They would wait for them for ever, or take them for their own. Here they forget them, and start anew
what they need next.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
from collections.abc import Callable
from threading import Semaphore
from typing import Any


def let_go() -> None:
    """Have all libraries that are loaded forget what stayed behind."""
    signal.set_wakeup_fd(-1)
    with contextlib.suppress(AttributeError):
        # Python 3.11 and earlier leave it that of the process that was copied.
        threading.main_thread()._set_native_id()  # type: ignore[attr-defined]
    for module_name, mend in _MODULES.items():
        module = sys.modules.get(module_name)
        if module is not None:
            _try(mend, module)
    kinds = {
        kind: mend
        for (module_name, name), mend in _INSTANCES.items()
        if (kind := getattr(sys.modules.get(module_name), name, None)) is not None
    }
    if kinds:
        for thing in gc.get_objects():
            renew = kinds.get(type(thing))
            if renew is not None:
                _try(renew, thing)


def _try(mend: Callable[[Any], None], what: Any) -> None:
    # These are not public: where a version has them otherwise, its own ways have to do.
    with contextlib.suppress(AttributeError, TypeError):
        mend(what)


def _forget_children(process: Any) -> None:
    process._children.clear()


def _forget_fork_server(forkserver: Any) -> None:
    forkserver._forkserver.__init__()


def _forget_resource_tracker(resource_tracker: Any) -> None:
    resource_tracker._resource_tracker._fd = None
    resource_tracker._resource_tracker._pid = None


def _forget_loky_executor(reusable_executor: Any) -> None:
    reusable_executor._executor = None


def _renew_thread_pool(pool: Any) -> None:
    pool._threads = set()
    pool._work_queue = type(pool._work_queue)()
    pool._idle_semaphore = Semaphore(0)


def _break_process_pool(pool: Any) -> None:
    pool._broken = (
        "its processes did not survive that the session went on in a copy; make a new one"
    )


def _end_pool(pool: Any) -> None:
    pool._state = "TERMINATE"


_MODULES: dict[str, Callable[[Any], None]] = {
    "multiprocessing.process": _forget_children,
    "multiprocessing.forkserver": _forget_fork_server,
    "multiprocessing.resource_tracker": _forget_resource_tracker,
    "joblib.externals.loky.reusable_executor": _forget_loky_executor,
    "joblib.externals.loky.backend.resource_tracker": _forget_resource_tracker,
}
_INSTANCES: dict[tuple[str, str], Callable[[Any], None]] = {
    ("concurrent.futures.thread", "ThreadPoolExecutor"): _renew_thread_pool,
    ("concurrent.futures.process", "ProcessPoolExecutor"): _break_process_pool,
    ("multiprocessing.pool", "Pool"): _end_pool,
    ("multiprocessing.pool", "ThreadPool"): _end_pool,
}
