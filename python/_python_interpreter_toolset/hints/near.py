"""Names that are much like another."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 3
_MOST_LISTED = 10
_MOST_COMPARED = 5_000


def near(name: str, names: Iterable[str]) -> list[str]:
    """Answer the nearest of `names`, the best first: alike in letters, whatever their case."""
    plain: dict[str, str] = {}
    for candidate in list(names)[:_MOST_COMPARED]:
        plain.setdefault(candidate.strip().casefold(), candidate)
    return [plain[found] for found in get_close_matches(name.strip().casefold(), plain, _MOST)]


def listed(names: Iterable[str]) -> str:
    """Answer the names in quotes; of many, the first."""
    every = [repr(name) for name in names]
    more = [f"{len(every) - _MOST_LISTED} more"] if len(every) > _MOST_LISTED else []
    return ", ".join([*every[:_MOST_LISTED], *more])
