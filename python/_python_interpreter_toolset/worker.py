"""Building the parts of a worker, and putting them together again in a copy that goes on."""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from typing import Any

from . import protocol
from .asking import Asking
from .channel import Channel
from .execute import Executor
from .figures.figures import Figures
from .hints import missing_modules
from .loop import serve
from .main_module import make_main_module
from .output import Output
from .questions import Questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .checkpoints import Checkpoints
    from .copying import Copies
    from .import_rules import ImportRules

_MOST_VARIABLES_NAMED = 200


class Worker:
    """The parts of a worker."""

    def __init__(self) -> None:
        """Make those that do not depend on its configuration."""
        self._output = Output()
        self._main = make_main_module()
        self._executor = Executor(self._main, self._output)
        self._import_rules: ImportRules | None = None
        self._copies: Copies | None = None
        self._checkpoints: Checkpoints | None = None

    def rehearse(self) -> None:
        """Run nothing, once: after a fork, each page of memory that is changed first costs time."""
        self._executor.run(0, "", "none", None)

    def start(self, config: dict[str, Any]) -> None:
        """Be the worker that `config` describes, and serve for ever.

        Ends the process where the channel cannot be made.
        """
        self._output.start(config["folder"], config["nonce"])
        limits = None
        if config.get("limits"):
            # Only Linux has what this needs. First of all: each thread has limits of its own.
            from .limits import Limits

            limits = Limits(config["limits"])
        if config["sandbox"]:
            missing_modules.has_network = False
        try:
            self._channel = Channel(config["endpoint"], config["identity"], config["pyzmq_path"])
        except ImportError as error:
            sys.stderr.write(f"{error}\n")
            os._exit(protocol.EXIT_NO_PYZMQ)
        self._report_crashes(config["folder"])
        # The crash of a forked child is not to be taken for ours.
        os.register_at_fork(after_in_child=faulthandler.disable)
        if config["modules"] is not None:
            self._make_import_rules(vars(self._main), config["modules"])
        self._asking = Asking(self._channel)
        self._questions = Questions(self._asking)
        self._questions.install()
        if config["host_tools"]:
            from .host_tools import HostTools

            HostTools(self._asking, config["host_tools"]).install()
        figures = None
        if config["figures"] is not None:
            figures = Figures(self._output, config["figures"]["format"], config["figures"]["dpi"])
            figures.install()
        if config["checkpoint"] is not None:
            self._prepare_checkpoints(config)
        cwd = os.getcwd()
        missing_modules.folders = [folder for folder in sys.path[1:] if folder != cwd]
        sys.path[0] = ""  # not before: a file of the workdir could be imported as a part of this
        self._executor.start(figures, limits)
        self._serve(config["init_code"] or "")

    def _serve(self, init_code: str) -> None:
        ready = self._executor.run(0, init_code, "none", None)
        if self._import_rules:
            self._import_rules.put_in_force()  # for the code of runs
        self._tell_ready(ready)
        serve(
            self._channel,
            self._executor,
            self._asking,
            self._questions,
            self._checkpoints,
            self.go_on,
        )

    def go_on(self, request: dict[str, Any]) -> None:
        """In a copy that goes on: become the worker that the keeper's `request` describes."""
        try:
            self._become(request)
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # at once, so that an older checkpoint can go on

    def _become(self, request: dict[str, Any]) -> None:
        folder = request["folder"]
        config = protocol.take_config(folder)
        group = (config["limits"] or {}).get("group")
        if group is not None:  # a branch has one of its own
            from .own_group import await_group

            await_group(group)
        self._output.reopen(folder, config["nonce"])
        self._channel.connect_anew(config["identity"])
        self._asking.renew()
        self._report_crashes(folder)
        from .left_behind import let_go

        let_go()
        if config["reseed"]:
            from .randomness import reseed

            reseed()
        if self._copies and self._checkpoints:
            self._copies.woken(request["id"], config["identity"])
            self._checkpoints.woken(_trouble_file(folder), config["branch"])
        variables = self._executor.variables()
        self._tell_ready(
            self._executor.renew(),
            variables=variables[:_MOST_VARIABLES_NAMED],
            variable_count=len(variables),
            threads=request["threads"],
        )

    def _make_import_rules(self, namespace: dict[str, Any], rules: dict[str, Any]) -> None:
        from .import_rules import ImportRules

        self._import_rules = ImportRules(namespace, rules)
        self._import_rules.install()

    def _prepare_checkpoints(self, config: dict[str, Any]) -> None:
        # Only Linux has what this needs.
        from .checkpoints import Checkpoints
        from .copying import Copies

        self._copies = Copies(config["id"], config["checkpoint"]["control"], config["identity"])
        self._checkpoints = Checkpoints(
            config["checkpoint"]["policy"],
            self._copies,
            self._channel,
            self._output,
            _trouble_file(config["folder"]),
        )

    def _report_crashes(self, folder: str) -> None:
        self._crashes = open(os.path.join(folder, "crash"), "wb")  # noqa: SIM115
        faulthandler.enable(self._crashes, all_threads=False)

    def _tell_ready(self, reply: protocol.Message, **more: object) -> None:
        self._channel.send(
            {
                "type": "ready",
                "protocol": protocol.VERSION,
                "error": reply["error"],
                "pipes": reply["pipes"],
                **more,
            }
        )


def _trouble_file(folder: str) -> str:
    return os.path.join(folder, "no-checkpoint")
