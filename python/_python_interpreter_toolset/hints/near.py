"""Names that are much like another."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 3
_MOST_LISTED = 10
_MOST_COMPARED = 5_000
_FEWEST_LETTERS = 4


def near(name: str, names: Iterable[str]) -> list[str]:
    """Answer the nearest of `names`, the best first: alike in letters, whatever their case."""
    plain: dict[str, str] = {}
    for candidate in list(names)[:_MOST_COMPARED]:
        plain.setdefault(candidate.strip().casefold(), candidate)
    return [plain[found] for found in get_close_matches(name.strip().casefold(), plain, _MOST)]


def is_slip(name: str, meant: str) -> bool:
    """Answer whether one letter too many, too few, changed or swapped makes the one of the other.

    Also if only their case differs. Of short names most would be alike: they are not.
    """
    wrong, right = name.casefold(), meant.casefold()
    if wrong == right:
        return name != meant
    length = len(wrong)
    while wrong and right and wrong[0] == right[0]:
        wrong, right = wrong[1:], right[1:]
    while wrong and right and wrong[-1] == right[-1]:
        wrong, right = wrong[:-1], right[:-1]
    is_swapped = len(wrong) == 2 and wrong == right[::-1]
    if len(wrong) == len(right) == 1:
        return length > _FEWEST_LETTERS
    return length >= _FEWEST_LETTERS and (len(wrong) + len(right) == 1 or is_swapped)


def listed(names: Iterable[str]) -> str:
    """Answer the names in quotes; of many, the first."""
    every = [repr(name) for name in names]
    more = [f"{len(every) - _MOST_LISTED} more"] if len(every) > _MOST_LISTED else []
    return ", ".join([*every[:_MOST_LISTED], *more])
