"""Formats that the values of certain libraries do not give by themselves, or not as we need them.

The libraries are told apart by name: none is imported that the value's own class has not come from.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..values import type_name
from . import table_data

PLOTLY = "application/vnd.plotly.v1+json"

Forms = tuple[dict[str, Any], bool]


class SympyText:
    """The text of sympy's values: their repr(), until `init_printing()` asks for another."""

    of: Callable[[Any], str] = repr


def forms_of(value: Any) -> Forms:
    """Answer formats of `value`, and whether they are all that it should be shown in."""
    for cls in type(value).__mro__:
        library = str(cls.__module__).partition(".")[0]
        make = _FORMS.get((library, cls.__qualname__))
        if make is not None:
            return make(value)
    return {}, False


def plotly_bundle(figure: Any, config: dict[str, Any] | None = None) -> dict[str, Any]:
    """Answer the bundle of a plotly figure, or of a dict that describes one."""
    renderer = sys.modules["plotly.io"].renderers["plotly_mimetype"]
    described = figure if isinstance(figure, dict) else figure.to_dict()
    bundle: dict[str, Any] = type(renderer)(config=config).to_mimebundle(dict(described))
    return {"text/plain": _plotly_text(described), **bundle}


def _plotly_text(described: dict[str, Any]) -> str:
    """Answer a line on a figure: its repr() has all of its data."""
    title = described.get("layout", {}).get("title")
    text = title.get("text") if isinstance(title, dict) else title
    kinds = [str(trace.get("type", "scatter")) for trace in described.get("data") or ()]
    counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
    called = f" {json.dumps(text, ensure_ascii=False)}" if text else ""
    return f"<plotly figure{called}: {', '.join(counts) or 'empty'}>"


def _plotly_figure(figure: Any) -> Forms:
    import_module("plotly.io")  # which is imported late
    return plotly_bundle(figure), True


def _altair_chart(chart: Any) -> Forms:
    # Altair's own text says that something is wrong with the front end.
    return {"text/plain": f"<{type_name(chart)}>"}, False


def _sympy_value(value: Any) -> Forms:
    return {"text/plain": SympyText.of(value)}, False


def _table(describe: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Forms]:
    return lambda value: ({table_data.MIME_TYPE: describe(value)}, False)


_FORMS: dict[tuple[str, str], Callable[[Any], Forms]] = {
    ("plotly", "BaseFigure"): _plotly_figure,
    ("altair", "TopLevelMixin"): _altair_chart,
    ("sympy", "Printable"): _sympy_value,
    ("pandas", "DataFrame"): _table(table_data.of_pandas),
    ("pandas", "Series"): _table(table_data.of_pandas_series),
    ("polars", "DataFrame"): _table(table_data.of_polars),
    ("polars", "Series"): _table(table_data.of_polars_series),
    ("pyarrow", "Table"): _table(table_data.of_pyarrow),
    ("pyarrow", "RecordBatch"): _table(table_data.of_pyarrow),
}
