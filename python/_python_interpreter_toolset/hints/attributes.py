"""An attribute that an object does not have: that of another language, or one that pandas had."""

from __future__ import annotations

from typing import Any

from .near import near
from .raised import loaded

_OF_LISTS = {
    "push": "`x.append(value)` for `x.push(value)`",
    "includes": "`value in x` for `x.includes(value)`",
    "indexOf": "`x.index(value)` for `x.indexOf(value)`",
    "forEach": "`for value in x:` for `x.forEach(...)`",
    "map": "`[f(value) for value in x]` for `x.map(f)`",
    "filter": "`[value for value in x if f(value)]` for `x.filter(f)`",
    "slice": "`x[start:end]` for `x.slice(start, end)`",
    "concat": "`x + y` for `x.concat(y)`",
    "join": "`', '.join(x)` for `x.join(', ')`",
}
_OF_TEXTS = {
    "includes": "`part in x` for `x.includes(part)`",
    "indexOf": "`x.find(part)` for `x.indexOf(part)`",
    "slice": "`x[start:end]` for `x.slice(start, end)`",
    "substring": "`x[start:end]` for `x.substring(start, end)`",
    "toUpperCase": "`x.upper()` for `x.toUpperCase()`",
    "toLowerCase": "`x.lower()` for `x.toLowerCase()`",
    "trim": "`x.strip()` for `x.trim()`",
    "startsWith": "`x.startswith(part)` for `x.startsWith(part)`",
    "endsWith": "`x.endswith(part)` for `x.endsWith(part)`",
    "replaceAll": "`x.replace(old, new)` for `x.replaceAll(old, new)`",
}
_OF_NUMBERS = {
    "toFixed": "`f'{x:.2f}'` for `x.toFixed(2)`",
    "toString": "`str(x)` for `x.toString()`",
}
_HABITS: dict[type, dict[str, str]] = {
    list: _OF_LISTS,
    str: _OF_TEXTS,
    int: _OF_NUMBERS,
    float: _OF_NUMBERS,
}
# What pandas has taken away, by its release notes, and how it is written since. Where a version has
# such an attribute, nobody misses it.
_REMOVED = {
    "as_matrix": "`x.to_numpy()`",
    "backfill": "`x.bfill()`",
    "get_value": "`x.at[...]`",
    "get_values": "`x.to_numpy()`",
    "iteritems": "`x.items()`",
    "ix": "`x.loc[...]` by labels, or `x.iloc[...]` by positions",
    "mad": "`(x - x.mean()).abs().mean()`",
    "pad": "`x.ffill()`",
    "set_value": "`x.at[...] = value`",
    "swapaxes": "`x.transpose()`",
    "tshift": "`x.shift(..., freq=...)`",
}
_WEEK = {"week": "`x.isocalendar().week`", "weekofyear": "`x.isocalendar().week`"}
_REMOVED_OF: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "pandas",
        "DataFrame",
        {
            **_REMOVED,
            "append": "`pd.concat([x, y])`, with `y = pd.DataFrame([row])` for a row",
            "applymap": "`x.map(f)`",
        },
    ),
    (
        "pandas",
        "Series",
        {
            **_REMOVED,
            "append": "`pd.concat([x, y])`, with `y = pd.Series([value])` for a value",
            "is_monotonic": "`x.is_monotonic_increasing`",
        },
    ),
    ("pandas", "DatetimeIndex", _WEEK),
    ("pandas.core.indexes.accessors", "DatetimeProperties", _WEEK),
)
_LIBRARIES = ("builtins", "collections", "numpy", "pandas", "polars")


def hint(error: BaseException) -> str | None:
    """Answer what to write for it."""
    if type(error) is not AttributeError:
        return None
    name = getattr(error, "name", None)  # since Python 3.10, as `obj` is
    if type(name) is not str:
        return None
    owner = getattr(error, "obj", None)
    return _of_pandas(name, owner) or _of_javascript(name, owner)


def _of_pandas(name: str, owner: object) -> str | None:
    for module, class_name, removed in _REMOVED_OF:
        owner_class = loaded(module, class_name)
        if owner_class is not None and isinstance(owner, owner_class) and name in removed:
            return f"This pandas has no `{name}` any more: write {removed[name]}."
    return None


def _of_javascript(name: str, owner: Any) -> str | None:
    if type(owner) is dict and name in owner:
        return f"The values of a dict are in brackets: write `x[{name!r}]`."
    if name == "length" and _has_length(owner):
        return "In Python, write `len(x)` for `x.length`."
    habit = _HABITS.get(type(owner), {}).get(name)
    return None if habit is None else f"In Python, write {habit}."


def _has_length(owner: Any) -> bool:
    kind = type(owner)
    if not hasattr(kind, "__len__") or kind.__module__.partition(".")[0] not in _LIBRARIES:
        return False
    # Of a table, a column that is called almost like that is meant.
    columns = getattr(owner, "columns", ())
    return not any(near("length", [column]) for column in columns if isinstance(column, str))
