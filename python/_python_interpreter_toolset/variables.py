"""What variables there are: their types, sizes and a glimpse of each, without running user code.

A preview is only made of what is exactly a class of Python's own, numpy's, pandas' or polars', and
never calls a ``__repr__`` of anybody else; of all others the name of the type has to do.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from .main_module import user_variables
from .values import type_name

MAX_PREVIEW = 100  # characters
MAX_COLUMNS = 50

_MAX_DEPTH = 3
_MAX_ITEMS = 6
_MAX_BITS = 200
_ROWS = 5

Facts = dict[str, Any]

_PLAIN = (
    bool,
    float,
    complex,
    type(None),
    type(Ellipsis),
    range,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
)
_ZONES = (type(None), datetime.timezone)  # others can be the user's
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def describe_variables(namespace: dict[str, Any]) -> list[Facts]:
    """Answer of each variable its `name`, its `type`, and what applies and is cheap to know

    - `length`: of what has one
    - `size_bytes`: of its data, without what that refers to
    - `shape`, of an array or table, and `dtype`
    - `columns`, of a table: `name` and `dtype` of the first of them
    - `preview`: one line, of what is exactly of a known class
    """
    return [_describe(name, value) for name, value in user_variables(namespace).items()]


def _describe(name: str, value: Any) -> Facts:
    facts: Facts = {"name": name, "type": type_name(value)}
    facts_of = _FACTS.get(type(value)) or _LIBRARY_FACTS.get(facts["type"])
    # By its name, a class of the user's can look like a library's.
    if facts_of and _is_genuine(value, facts["type"]):
        try:
            facts.update(facts_of(value))
        except Exception:  # one that was left half-made; its type is known all the same
            return facts
    return facts


def _is_genuine(value: Any, name: str) -> bool:
    if type(value) in _FACTS:
        return True
    library, _, attribute = name.rpartition(".")
    return vars(sys.modules.get(library, sys)).get(attribute) is type(value)


def _facts_of_text(value: Any) -> Facts:
    return {"length": len(value), "size_bytes": sys.getsizeof(value), "preview": _preview(value)}


def _facts_of_container(value: Any) -> Facts:
    return {"length": len(value), "preview": _preview(value)}


def _facts_of_plain(value: Any) -> Facts:
    return {"preview": _preview(value)}


def _facts_of_view(value: memoryview) -> Facts:
    return {"length": len(value), "size_bytes": value.nbytes}


def _facts_of_array(value: Any) -> Facts:
    first = islice(value.flat, _MAX_ITEMS + 1)
    return {
        "size_bytes": value.nbytes,
        "shape": list(value.shape),
        "dtype": _cut(str(value.dtype)),
        "preview": _cut(_joined("[", "]", map(_of_numpy, first), value.size)),
    }


def _facts_of_scalar(value: Any) -> Facts:
    return {"dtype": _cut(str(value.dtype)), "preview": _cut(_of_numpy(value))}


def _facts_of_frame(value: Any) -> Facts:
    names, dtypes = list(value.columns[:MAX_COLUMNS]), list(value.dtypes[:MAX_COLUMNS])
    row = [value.iat[0, at] for at in range(min(len(names), _MAX_ITEMS + 1))] if len(value) else []
    return {
        "size_bytes": int(value.memory_usage(deep=False).sum()),
        "shape": list(value.shape),
        "columns": _columns(names, dtypes),
        "preview": _row(names, row, value.shape[1]),
    }


def _facts_of_series(value: Any) -> Facts:
    first = (value.iat[at] for at in range(min(len(value), _MAX_ITEMS + 1)))
    return {
        "length": len(value),
        "size_bytes": int(value.memory_usage(deep=False)),
        "dtype": _cut(str(value.dtype)),
        "preview": _cut(_joined("[", "]", map(_of_numpy, first), len(value))),
    }


def _facts_of_polars_frame(value: Any) -> Facts:
    names, dtypes = value.columns, value.dtypes
    row = value.row(0) if value.height else ()
    return {
        "size_bytes": value.estimated_size(),
        "shape": list(value.shape),
        "columns": _columns(names[:MAX_COLUMNS], dtypes[:MAX_COLUMNS]),
        "preview": _row(names, row[: _MAX_ITEMS + 1], len(names)),
    }


def _facts_of_polars_series(value: Any) -> Facts:
    first = value.head(_MAX_ITEMS + 1).to_list()
    return {
        "length": len(value),
        "size_bytes": value.estimated_size(),
        "dtype": _cut(str(value.dtype)),
        "preview": _cut(_joined("[", "]", map(_glimpse, first), len(value))),
    }


def _facts_of_arrow_table(value: Any) -> Facts:
    schema = value.schema
    return {
        "size_bytes": value.nbytes,
        "shape": [value.num_rows, value.num_columns],
        "columns": _columns(schema.names[:MAX_COLUMNS], schema.types[:MAX_COLUMNS]),
    }


def _columns(names: Iterable[Any], dtypes: Iterable[Any]) -> list[dict[str, str]]:
    return [
        {"name": _cut(name) if type(name) is str else _glimpse(name), "dtype": _cut(str(dtype))}
        for name, dtype in zip(names, dtypes)
    ]


def _row(names: Iterable[Any], row: Iterable[Any], width: int) -> str:
    """Answer the preview of a table: its first row."""
    cells = (f"{_glimpse(name)}: {_of_numpy(item)}" for name, item in zip(names, row))
    return _cut(_joined("{", "}", cells, width)) if width else "{}"


def _preview(value: Any) -> str:
    return _cut(_glimpse(value))


def _glimpse(value: Any, depth: int = 0) -> str:
    """Answer what `repr` says, or less: it takes no time to speak of, whatever the value is."""
    kind = type(value)
    if kind is str or kind is bytes or kind is bytearray:
        return repr(value[: MAX_PREVIEW + 1])
    if kind is int:
        bits = value.bit_length()
        return repr(value) if bits <= _MAX_BITS else f"<int of {bits:,} bits>"
    if kind in _PLAIN and type(getattr(value, "tzinfo", None)) in _ZONES:
        return repr(value)
    if kind is dict or kind in _BRACKETS:
        return _contents(value, kind, depth)
    return f"<{type_name(value)}>"


def _contents(value: Any, kind: type, depth: int) -> str:
    if depth == _MAX_DEPTH and value:
        return "{…}" if kind is dict else "…".join(_BRACKETS[kind])
    if kind is dict:
        items = list(islice(value.items(), _MAX_ITEMS + 1))
        entries = (
            f"{_glimpse(key, depth + 1)}: {_glimpse(item, depth + 1)}" for key, item in items
        )
        return _joined("{", "}", entries, len(value))
    if not value and kind is set:
        return "set()"
    first = (_glimpse(item, depth + 1) for item in list(islice(value, _MAX_ITEMS + 1)))
    return _joined(*_BRACKETS[kind], first, len(value))


def _of_numpy(item: Any) -> str:
    """Glimpse at what may be a scalar of numpy's: as Python's own."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not issubclass(type(item), numpy.generic):
        # What pandas has in its columns beside Python's own.
        name = type_name(item)
        return str(item) if name in _PANDAS_SCALARS and _is_genuine(item, name) else _glimpse(item)
    if item.dtype.kind in "mM":
        return str(item)
    if item.dtype.kind in "biufcSU":
        return _glimpse(item.item())
    return f"<{type_name(item)}>"


def _joined(opening: str, closing: str, texts: Iterable[str], size: int) -> str:
    shown = list(islice(texts, _MAX_ITEMS))
    if size > len(shown):
        shown.append("…")
    elif opening == "(" and size == 1:
        shown[0] += ","
    return opening + ", ".join(shown) + closing


def _cut(text: str) -> str:
    return text if len(text) <= MAX_PREVIEW else text[: MAX_PREVIEW - 1] + "…"


_FACTS: dict[type, Callable[[Any], Facts]] = {
    str: _facts_of_text,
    bytes: _facts_of_text,
    bytearray: _facts_of_text,
    int: _facts_of_plain,
    memoryview: _facts_of_view,
    dict: _facts_of_container,
    **dict.fromkeys(_BRACKETS, _facts_of_container),
    **dict.fromkeys(_PLAIN, _facts_of_plain),
}

_LIBRARY_FACTS: dict[str, Callable[[Any], Facts]] = {
    "numpy.ndarray": _facts_of_array,
    "pandas.DataFrame": _facts_of_frame,
    "pandas.Series": _facts_of_series,
    "polars.DataFrame": _facts_of_polars_frame,
    "polars.Series": _facts_of_polars_series,
    "pyarrow.Table": _facts_of_arrow_table,
    **dict.fromkeys(
        [f"numpy.{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
        + [f"numpy.float{bits}" for bits in (16, 32, 64)]
        + ["numpy.bool", "numpy.bool_", "numpy.str_", "numpy.datetime64", "numpy.timedelta64"],
        _facts_of_scalar,
    ),
}

_PANDAS_SCALARS = ("pandas.Timestamp", "pandas.Timedelta", "pandas.Period", "pandas.Interval")
