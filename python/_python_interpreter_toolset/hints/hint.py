"""What would mend a failure that is often met; made of the exception itself, never of its text."""

from __future__ import annotations

from collections.abc import Callable

from . import attributes, columns, files, memory, missing_modules, names, slips
from .raised import is_raised_by_code

_MAX_CHARACTERS = 10_000  # Node shortens it more, when secrets are out of it

# The first that knows the failure tells.
_WAYS: tuple[Callable[[BaseException], str | None], ...] = (
    missing_modules.hint,
    files.hint,
    attributes.hint,
    columns.hint,
    names.hint,
    memory.hint,
    slips.hint,
)


def hint_for(error: BaseException) -> str | None:
    """Answer one sentence or two, or None where nothing is known to help.

    What code raises itself only looks like such a failure, and gets none.
    """
    try:
        if is_raised_by_code(error):
            return None
        for way in _WAYS:
            hint = way(error)
            if hint is not None:
                return hint[:_MAX_CHARACTERS]
    except BaseException:  # exceptions and tables of user code can do anything
        pass
    return None
