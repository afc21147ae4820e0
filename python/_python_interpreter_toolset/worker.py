"""Building the parts of a worker and starting it."""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import Any

from . import protocol
from .channel import Channel
from .execute import Executor
from .figures import Figures
from .loop import serve
from .main_module import make_main_module
from .output import Output


def start(config: dict[str, Any]) -> None:
    """Make this process the worker that `config` describes, and serve for ever."""
    output = Output(config["folder"], config["nonce"])
    try:
        channel = Channel(config["endpoint"], config["identity"], config["pyzmq_path"])
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        os._exit(protocol.EXIT_NO_PYZMQ)
    crashes = open(os.path.join(config["folder"], "crash"), "wb")  # noqa: SIM115
    faulthandler.enable(crashes, all_threads=False)
    # The crash of a forked child is not to be taken for ours.
    os.register_at_fork(after_in_child=faulthandler.disable)
    main = make_main_module()
    figures = None
    if config["figures"] is not None:
        figures = Figures(output, config["figures"]["dpi"])
        figures.install()
    executor = Executor(main, output, figures)
    reply = executor.run(0, config["init_code"] or "", "none", None)
    channel.send(
        {
            "type": "ready",
            "protocol": protocol.VERSION,
            "error": reply["error"],
            "pipes": reply["pipes"],
        }
    )
    serve(channel, executor)
