"""Drives ipykernel through jupyter_client: reads commands from standard input, a JSON line each.

The first line written tells the versions; after that, each command is answered by one line
`{"samples": [...], "pids": [...]}`. `contenders/ipykernel-driver.ts` describes the commands. When
the input ends, all kernels end.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from queue import Empty
from time import perf_counter, sleep
from typing import Any, TypeVar

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_event_loop

TIMEOUT_S = 20.0
STARTS = 2

A = TypeVar("A")
B = TypeVar("B")


class Kernel:
    """One kernel and its client."""

    def __init__(self, home: str, *, wait_for_ready: bool, first_code: str) -> None:
        started_at = perf_counter()
        _, connection_file = tempfile.mkstemp(suffix=".json", dir=home)
        os.unlink(connection_file)
        self._manager = KernelManager(kernel_name="python3", connection_file=connection_file)
        self._manager.start_kernel(
            extra_arguments=["--HistoryManager.hist_file=:memory:"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._client: BlockingKernelClient = self._manager.client()
        self._client.start_channels()
        try:
            if wait_for_ready:
                self._client.wait_for_ready(timeout=TIMEOUT_S)
                self.run(first_code)
            else:
                self._reply_to(self._client.execute(first_code, allow_stdin=False))
        except BaseException:
            self.close()
            raise
        self.start_ms = (perf_counter() - started_at) * 1000
        self.pid: int = self._manager.provisioner.pid  # type: ignore[union-attr]

    def run(self, code: str = "1") -> float:
        """Run code; answer the ms until the reply, and until idle, when all output has come."""
        started_at = perf_counter()
        request = self._client.execute(code, allow_stdin=False)
        self._published_until_idle(request)
        self._reply_to(request)
        return (perf_counter() - started_at) * 1000

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def _published_until_idle(self, request: str) -> None:
        shown = False
        while True:
            message = self._client.get_iopub_msg(timeout=TIMEOUT_S)
            if message["parent_header"].get("msg_id") != request:
                continue
            shown = shown or message["msg_type"] == "execute_result"
            if message["content"].get("execution_state") == "idle":
                break
        if not shown:
            raise RuntimeError("the kernel's result did not arrive")

    def _reply_to(self, request: str) -> None:
        while True:
            message = self._client.get_shell_msg(timeout=TIMEOUT_S)
            if message["parent_header"].get("msg_id") == request:
                return


class Driver:
    """Carries out the commands."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._kernels: list[Kernel] = []

    def do_open(self, kernels: int, wait_for_ready: bool, imports: list[str]) -> dict[str, Any]:
        first_code = "\n".join([*(f"import {name}" for name in imports), "1"])

        def start(_: int) -> None:
            for starts_left in reversed(range(STARTS)):
                try:
                    kernel = Kernel(
                        self._home, wait_for_ready=wait_for_ready, first_code=first_code
                    )
                except (RuntimeError, Empty):
                    # It binds ports that were free when its manager chose them, a while before.
                    if starts_left == 0:
                        raise
                else:
                    self._kernels.append(kernel)  # at once: where another fails, all are closed
                    return

        if kernels == 1:
            start(0)
        else:  # as many at a time as there are cores
            in_threads(start, range(kernels), os.cpu_count() or 1)
        return {
            "samples": [kernel.start_ms for kernel in self._kernels],
            "pids": [kernel.pid for kernel in self._kernels],
        }

    def do_run(self, times: int, pause_ms: float) -> dict[str, Any]:
        samples = []
        for _ in range(times):
            if pause_ms > 0:
                sleep(pause_ms / 1000)
            samples.append(self._kernels[0].run())
        return {"samples": samples}

    def do_throughput(self, seconds: float) -> dict[str, Any]:
        started_at = perf_counter()

        def runs(kernel: Kernel) -> int:
            done = 0
            while perf_counter() - started_at < seconds:
                kernel.run()
                done += 1
            return done

        done = sum(in_threads(runs, self._kernels, len(self._kernels)))
        return {"samples": [done / (perf_counter() - started_at)]}

    def do_close(self) -> dict[str, Any]:
        kernels, self._kernels = self._kernels, []
        in_threads(Kernel.close, kernels, len(kernels) or 1)
        return {"samples": []}


def in_threads(function: Callable[[A], B], items: Iterable[A], threads: int) -> list[B]:
    """Apply `function`, which uses blocking clients, to all items in parallel."""

    def call(item: A) -> B:
        try:
            return function(item)
        finally:
            # The one that a blocking client makes for each thread, and complains of at the end.
            ensure_event_loop().close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, items))


def tell(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    versions = {name: version(name) for name in ("pyzmq", "ipykernel", "jupyter_client")}
    tell({"versions": {"python": platform.python_version(), **versions}})
    with tempfile.TemporaryDirectory(prefix="ipykernel-bench-") as home:
        # No configuration, start-up file or kernel of the user's takes part.
        os.environ.pop("JUPYTER_PATH", None)
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            os.environ[name] = home
        driver = Driver(home)
        try:
            for line in sys.stdin:
                command = json.loads(line)
                tell(getattr(driver, "do_" + command.pop("do"))(**command))
        finally:
            driver.do_close()


if __name__ == "__main__":
    main()
