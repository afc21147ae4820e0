"""The schema and the first rows of tables as data, which a page can show as it likes.

The form is that of a Tabular Data Resource: https://specs.frictionlessdata.io/tabular-data-resource/
with `total_rows` and `total_columns` added, as the rows and columns given are only the first.
"""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ..output import encodable
from ..values import to_json

MIME_TYPE = "application/vnd.dataresource+json"

_MOST_ROWS = 20
_MOST_COLUMNS = 50
_MOST_CHARACTERS = 1000  # of a cell's text, or a column's name
# To know whether an index is unique takes time in proportion to its length.
_MOST_ASKED = 100_000

_NUMPY_TYPES = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "M": "datetime"}

# By the beginning of the name that a type has in polars or in pyarrow.
_TYPES = (
    (("int", "uint"), "integer"),
    (("float", "double", "halffloat", "decimal"), "number"),
    (("bool",), "boolean"),
    (("string", "large_string", "utf8", "categorical", "enum"), "string"),
    (("datetime", "timestamp"), "datetime"),
    (("date",), "date"),
    (("time",), "time"),
    (("duration",), "duration"),
)

_texts = reprlib.Repr()
_texts.maxother = _texts.maxstring = 200

Column = tuple[dict[str, Any], list[Any]]


def of_pandas(frame: Any) -> dict[str, Any]:
    """Describe a pandas DataFrame; its index comes first."""
    rows, width = frame.shape
    head = frame.iloc[:_MOST_ROWS, :_MOST_COLUMNS]
    names = list(head.index.names)
    unnamed = ["index"] if len(names) == 1 else [f"level_{level}" for level in range(len(names))]
    names = [other if name is None else name for name, other in zip(names, unnamed)]
    index = [
        _pandas_column(name, head.index.get_level_values(level)) for level, name in enumerate(names)
    ]
    columns = [
        _pandas_column(label, head.iloc[:, position]) for position, label in enumerate(head.columns)
    ]
    resource = _resource([*index, *columns], rows, width)
    if _is_unique(frame.index):
        fields = resource["schema"]["fields"]
        resource["schema"]["primaryKey"] = [field["name"] for field in fields[: len(index)]]
    return resource


def of_pandas_series(series: Any) -> dict[str, Any]:
    """Describe a pandas Series as a table of one column."""
    name = "values" if series.name is None else series.name
    return {**of_pandas(series.iloc[:_MOST_ROWS].to_frame(name)), "total_rows": len(series)}


def of_polars(frame: Any) -> dict[str, Any]:
    """Describe a polars DataFrame."""
    head = frame.head(_MOST_ROWS)
    names = frame.columns[:_MOST_COLUMNS]
    columns = [_typed_column(name, head[name].dtype, head[name].to_list()) for name in names]
    return _resource(columns, frame.height, frame.width)


def of_polars_series(series: Any) -> dict[str, Any]:
    """Describe a polars Series as a table of one column."""
    head = series.head(_MOST_ROWS)
    column = _typed_column(series.name or "values", series.dtype, head.to_list())
    return _resource([column], len(series), 1)


def of_pyarrow(table: Any) -> dict[str, Any]:
    """Describe a pyarrow Table or RecordBatch."""
    head = table.slice(0, _MOST_ROWS)
    fields = list(table.schema)[:_MOST_COLUMNS]
    columns = [
        _typed_column(field.name, field.type, head.column(position).to_pylist())
        for position, field in enumerate(fields)
    ]
    return _resource(columns, table.num_rows, table.num_columns)


def _resource(columns: list[Column], rows: int, width: int) -> dict[str, Any]:
    names = _distinct([field["name"] for field, _ in columns])
    return {
        "profile": "tabular-data-resource",
        "schema": {
            "fields": [{**field, "name": name} for name, (field, _) in zip(names, columns)],
        },
        "data": [dict(zip(names, row)) for row in zip(*(cells for _, cells in columns))],
        "total_rows": rows,
        "total_columns": width,
    }


def _distinct(names: Sequence[str]) -> list[str]:
    """Answer names that differ, as each is a key of the rows: `n`, `n.1`, `n.2`, as in pandas."""
    taken = set(names)
    seen: set[str] = set()
    answer = []
    for name in names:
        number, distinct = 0, name
        while distinct in seen or (number and distinct in taken):
            number += 1
            distinct = f"{name}.{number}"
        seen.add(distinct)
        answer.append(distinct)
    return answer


def _pandas_column(label: Any, values: Any) -> Column:
    """Describe a column or an index level, in which what pandas takes for missing is null."""
    dtype = values.dtype
    items = [None if missing else item for item, missing in zip(list(values), list(values.isna()))]
    cells = [_cell(item) for item in items]
    field: dict[str, Any] = {"name": _name(label), "type": "any"}
    categories = getattr(dtype, "categories", None)
    kind = getattr(dtype, "kind", "O")
    if categories is not None and len(categories) <= _MOST_ROWS:
        field["constraints"] = {"enum": [_cell(category) for category in categories]}
        field["ordered"] = bool(dtype.ordered)
    elif categories is None and kind == "m":
        field.update(type="number", unit="s")
    elif categories is None and kind in _NUMPY_TYPES:
        field["type"] = _NUMPY_TYPES[kind]
    elif str(dtype) in ("str", "string") or (
        kind == "O" and {type(item) for item in items} - {type(None)} == {str}
    ):
        field["type"] = "string"
    return field, cells


def _is_unique(index: Any) -> bool:
    """Answer whether an index is known to be unique."""
    is_range = isinstance(index, sys.modules["pandas"].RangeIndex)
    return is_range or (len(index) <= _MOST_ASKED and bool(index.is_unique))


def _typed_column(label: Any, dtype: Any, items: Iterable[Any]) -> Column:
    name = str(dtype).lower()
    kind = next((kind for starts, kind in _TYPES if name.startswith(starts)), "any")
    field = {"name": _name(label), "type": kind}
    if kind == "duration":
        field.update(type="number", unit="s")
    return field, [_cell(item) for item in items]


def _name(label: Any) -> str:
    return _cut(label if isinstance(label, str) else str(label))


def _cell(item: Any) -> Any:
    """Answer a cell's value as JSON; a text in place of what is long or has parts."""
    if isinstance(item, str):
        return _cut(str.__str__(item))
    if hasattr(type(item), "__len__"):
        return _cut(_texts.repr(item))
    value = to_json(item)
    return _cut(value) if isinstance(value, str) else value


def _cut(text: str) -> str:
    return encodable(f"{text[:_MOST_CHARACTERS]}…" if len(text) > _MOST_CHARACTERS else text)
