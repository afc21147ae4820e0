"""Runs the cells of one corpus file in a real ipykernel and prints what came of each, as JSON.

Usage: ipykernel_reference.py CORPUS_FILE

Each line is `{title, stdout, value_text, displays, error_name, figures}`: `value_text` is the text
of what was echoed (null if nothing was), `displays` the texts of what was displayed and is no
picture, `figures` the number of PNG pictures.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cells import read_cells
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

TIMEOUT_S = 60.0

# What is written to the descriptor (by a subprocess, say) reaches ipykernel's stream through a
# thread and is sent after this many seconds. The default of 0.2 would only make `settle` slow.
SETUP = "__import__('sys').stdout.flush_interval = 0.002"


@contextmanager
def running_kernel() -> Iterator[BlockingKernelClient]:
    """A client of a fresh kernel of this very Python, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="agreement-") as home:
        # No configuration, start-up file or kernel of the user's takes part.
        for name in ("JUPYTER_PATH", "MPLBACKEND"):
            os.environ.pop(name, None)
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            os.environ[name] = home
        manager = KernelManager(
            kernel_name="python3",
            connection_file=f"{home}/kernel.json",
            transport="ipc",  # a port found free may be taken by the time the kernel binds it
            ip=f"{home}/kernel",
        )
        # Its descriptors are not ours: ipykernel copies what it captures to its own stdout.
        manager.start_kernel(
            extra_arguments=["--HistoryManager.hist_file=:memory:"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        client: BlockingKernelClient = manager.client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=TIMEOUT_S)
            yield client
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def execute(client: BlockingKernelClient, code: str, *, silent: bool) -> list[dict[str, Any]]:
    """Run code; what the kernel published until it was idle again, and its reply as the last."""
    request = client.execute(code, silent=silent, allow_stdin=False, stop_on_error=False)
    published: list[dict[str, Any]] = []
    while not (published and answers(published[-1], request) and is_idle(published[-1])):
        published.append(client.get_iopub_msg(timeout=TIMEOUT_S))
    reply = client.get_shell_msg(timeout=TIMEOUT_S)
    while not answers(reply, request):  # but an earlier one: `wait_for_ready` may ask repeatedly
        reply = client.get_shell_msg(timeout=TIMEOUT_S)
    return [*published, reply]


def answers(message: dict[str, Any], request: str) -> bool:
    """Whether the message came of the request with this id."""
    return bool(message["parent_header"].get("msg_id") == request)


def is_idle(message: dict[str, Any]) -> bool:
    """Whether the message says that the kernel is done with a request."""
    return bool(message["content"].get("execution_state") == "idle")


def settle(client: BlockingKernelClient) -> str:
    """The text that the last cell wrote to the descriptor and that was still on its way.

    A mark written behind it to the same descriptor tells when all of it has come.
    """
    mark = f"<{uuid.uuid4()}>"
    code = f"__import__('os').write(1, b'{mark}')"
    text = "".join(stdout_of(message) for message in execute(client, code, silent=True))
    while mark not in text:
        text += stdout_of(client.get_iopub_msg(timeout=TIMEOUT_S))
    return text.replace(mark, "")


def stdout_of(message: dict[str, Any]) -> str:
    """The standard output that a message carries, if any."""
    content = message["content"]
    if message["msg_type"] == "stream" and content["name"] == "stdout":
        return str(content["text"])
    return ""


def run(client: BlockingKernelClient, code: str) -> dict[str, Any]:
    """Run one cell and say what came of it."""
    stdout = ""
    error_name = None
    figures = 0
    values: list[str] = []
    displays: list[str] = []
    for message in execute(client, code, silent=False):
        content = message["content"]
        stdout += stdout_of(message)
        # The error message comes first and is right; of some errors (exception groups) only the
        # reply tells, which in turn is wrong ("NoneType") where an echo failed.
        if message["msg_type"] == "error" or content.get("status") == "error":
            error_name = error_name or content["ename"]
        if message["msg_type"] in ("execute_result", "display_data"):
            figures += "image/png" in content["data"]
        if message["msg_type"] == "execute_result":
            values.append(content["data"]["text/plain"])
        elif message["msg_type"] == "display_data" and "image/png" not in content["data"]:
            displays.append(content["data"].get("text/plain", ""))
    return {
        "stdout": stdout + settle(client),
        "value_text": "\n".join(values) if values else None,
        "displays": displays,
        "error_name": error_name,
        "figures": figures,
    }


def main() -> None:
    """Run the corpus file named on the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the kernel ends with us
    cells = read_cells(Path(sys.argv[1]))
    with running_kernel() as client:
        execute(client, SETUP, silent=True)
        for cell in cells:
            print(json.dumps({"title": cell.title, **run(client, cell.code)}), flush=True)


if __name__ == "__main__":
    main()
