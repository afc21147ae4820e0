"""The start of a worker or, with `preload` in its configuration, of a template for workers.

The configuration is JSON on standard input. That of a worker has `id`, `endpoint`, `identity`,
`nonce`, `folder`, `pyzmq_path`, `init_code`, `figures` (null, or an object with `format` and
`dpi`), `limits` (null, or those that `limits.py` sets), `checkpoint` (null, or an object with
`policy` and `control`, the keeper's socket) and `sandbox` (whether it is inside of walls); that of
a template has `preload`, `pyzmq_path` and `walls` (null, or what those around each fork need:
`private`, `kept`, `temporary`, `session`, `settings` and `socket`). A copy that goes on from a
checkpoint is given `identity`, `nonce`, `branch` (whether it needs a checkpoint of its own) and
`reseed`.
"""

import os
import sys

if sys.version_info < (3, 9):  # noqa: UP036  # what follows does not even parse there
    sys.exit("Python 3.9 or later is needed.")

# Until user code runs, the entry that Python made for this script leads to our own package.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from _python_interpreter_toolset import protocol, worker  # noqa: E402

if __name__ == "__main__":
    config = protocol.read_config()
    if "preload" in config:
        from _python_interpreter_toolset import template

        template.serve(config)
    else:
        if config["sandbox"]:
            from _python_interpreter_toolset.walls import confine

            confine()
        worker.Worker().start(config)
