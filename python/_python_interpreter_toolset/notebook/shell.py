"""Commands of the shell that notebook syntax runs, and how they end."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shlex
import shutil
import signal
import site
import subprocess
import sys
from typing import Any

from ..processes import family

_MOST_NOTICES = 20
_MOST_CHARACTERS = 200  # of a command in a notice


class Lines(list[str]):
    """The lines of a command's output: a list, with `n` and `s` as in IPython."""

    __module__ = "builtins"  # a result shows its name, not where the worker keeps it

    def __reduce__(self) -> tuple[type, tuple[list[str]]]:
        """Be pickled as a list: other processes do not have this class."""
        return list, (list(self),)

    @property
    def n(self) -> str:
        """Answer the lines as one text."""
        return "\n".join(self)

    @property
    def s(self) -> str:
        """Answer the lines with spaces between them."""
        return " ".join(self)


class Shell:
    """Runs commands, with the session's directory and environment, and an empty standard input.

    They are in the process group of this process, so that an interrupt is theirs too.
    """

    def __init__(self, namespace: dict[str, Any], notices: list[str]) -> None:
        """`_exit_code` is set in `namespace`; `notices` hears of commands that fail."""
        self._namespace = namespace
        self._notices = notices

    def call(self, command: str, shown: str, **environment: str) -> None:
        """Run `command`, which writes to the run's output; notices call it `shown`.

        It has these variables of the environment beside the session's.
        """
        status, _ = self._run(_in_shell(command), env={**os.environ, **environment})
        self._tell_failure(status, shown)

    def lines(self, command: str) -> Lines:
        """Run `command`; answer the lines that it writes, be it to its output or as errors."""
        captured = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        status, output = self._run(_in_shell(command), **captured)
        self._tell_failure(status, f"!{command}")
        return Lines(output.decode(errors="backslashreplace").splitlines())

    def script(self, shell: str, options: str, script: str) -> None:
        """Have `shell` run `script`; raises CalledProcessError if that ends with a status but 0."""
        path = shutil.which(shell)
        if path is None:
            raise FileNotFoundError(f"%%{shell} needs {shell}, which is not on the PATH")
        status, _ = self._run([path, *shlex.split(options), "-c", script])
        if status != 0:
            raise subprocess.CalledProcessError(status, shell)

    def pip(self, arguments: str) -> None:
        """Run pip, or uv in its place, on the environment of this very Python."""
        python, shown = shlex.quote(sys.executable), f"%pip {arguments}"
        if importlib.util.find_spec("pip") is not None:
            self.call(f"{python} -m pip {arguments}", shown)
        elif uv := shutil.which("uv"):
            self.call(f"{shlex.quote(uv)} pip {arguments}", shown, UV_PYTHON=sys.executable)
        else:
            raise RuntimeError(
                f"%pip needs pip, which the environment of {sys.executable} does not have, or uv, "
                f"which is not on the PATH. `!{python} -m ensurepip` may install pip."
            )
        # Where only the user's own folder can be written to, this may have made it.
        if site.ENABLE_USER_SITE and os.path.isdir(user_site := site.getusersitepackages()):
            site.addsitedir(user_site)

    def _run(self, arguments: list[str], **options: Any) -> tuple[int, bytes]:
        # What has been printed is to stand before what the command writes.
        sys.stdout.flush()
        sys.stderr.flush()
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, **options)
        try:
            output, _ = process.communicate()
        except BaseException as error:
            _end(process)
            raise error.with_traceback(None) from None  # where it was waited for is of no use
        self._namespace["_exit_code"] = process.returncode
        importlib.invalidate_caches()  # it may have written modules
        return process.returncode, output

    def _tell_failure(self, status: int, shown: str) -> None:
        if status == 0 or len(self._notices) > _MOST_NOTICES:
            return
        if len(self._notices) == _MOST_NOTICES:
            self._notices.append("More commands failed after these.")
            return
        cut = shown if len(shown) <= _MOST_CHARACTERS else f"{shown[:_MOST_CHARACTERS]}..."
        how = f"ended with exit status {status}"
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
        self._notices.append(f"`{cut}` {how}.")


def _in_shell(command: str) -> list[str]:
    return [shutil.which("bash") or "/bin/sh", "-c", command]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that an interrupt has not ended, with all that it has started."""
    if process.poll() is None:
        for pid in family(process.pid):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
