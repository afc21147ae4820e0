"""Random sequences of a forked process that is not to repeat those of another."""

from __future__ import annotations

import random
import sys


def reseed() -> None:
    """Give the process random sequences of its own; uuid, secrets and tempfile have them.

    The global ones: generators that code has made for itself stay as they are.
    """
    random.seed()
    for name in ("numpy.random", "torch"):
        module = sys.modules.get(name)
        if module is not None:
            module.seed()
