"""Remembering what histograms, pies and box plots were drawn from: their artists do not tell.

Each note is kept on an artist that was drawn, and so lives, is copied and is pickled with it.
Nothing here imports matplotlib.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import update_wrapper
from itertools import count
from types import FunctionType, ModuleType
from typing import Any

from ..import_hooks import after_import

_NOTE = "_python_interpreter_note"
_pies = count()


def install() -> None:
    """Make matplotlib, when it comes, leave notes on what it draws."""
    after_import("matplotlib.axes", _hook_drawing)


def note_on(artist: Any) -> dict[str, Any]:
    """Answer the note that was left on an artist; empty where there is none.

    `edges` of a histogram, on the container of its bars, or with `values` and `orientation` on the
    polygon that it is drawn as; `pie` (a number) and `value` on a wedge; `statistics`, `outliers`
    (None where they are not drawn) and `box` (an artist, or None) on the median of a box; `part` on
    the other artists of a box.
    """
    note: dict[str, Any] = getattr(artist, _NOTE, {})
    return note


def _hook_drawing(module: ModuleType) -> None:
    _hook(module, "hist", _note_histogram)
    _hook(module, "pie", _note_pie)
    _hook(module, "bxp", _note_boxes)


def _hook(
    module: ModuleType, name: str, leave_notes: Callable[[Any, Any, dict[str, Any]], None]
) -> None:
    draw = getattr(module.Axes, name)

    def note(*details: Any) -> None:
        with suppress(Exception):  # without notes, it is described as what its artists look like
            leave_notes(*details)

    def draw_and_note(axes: Any, *args: Any, **kwargs: Any) -> Any:
        drawn = draw(axes, *args, **kwargs)
        note(drawn, args, kwargs)
        return drawn

    # A warning of matplotlib names the first frame that is not of its own: that is to be the
    # caller's. By the frame's __name__ up to Python 3.11, by its file since (_api.warn_external).
    folder = os.path.join(os.path.dirname(module.__file__ or ""), "_python_interpreter_toolset")
    hooked = FunctionType(
        draw_and_note.__code__.replace(co_filename=os.path.join(folder, "plot_data.py")),
        {"__name__": module.__name__},
        name,
        None,
        draw_and_note.__closure__,
    )
    setattr(module.Axes, name, update_wrapper(hooked, draw))


def _note_histogram(drawn: Any, args: Any, kwargs: dict[str, Any]) -> None:
    tops, edges, patches = drawn
    if not hasattr(tops[0], "__len__"):
        tops, patches = [tops], [patches]
    stacked = kwargs.get("stacked") or kwargs.get("histtype") == "barstacked"
    below: Any = 0
    for top, drawn_as in zip(tops, patches):
        if hasattr(drawn_as, "patches"):  # a BarContainer, whose bars know their heights
            setattr(drawn_as, _NOTE, {"edges": edges})
            continue
        orientation = kwargs.get("orientation", "vertical")
        note = {"edges": edges, "values": top - below, "orientation": orientation}
        if stacked:
            below = top
        for polygon in drawn_as:
            setattr(polygon, _NOTE, note)


def _note_pie(drawn: Any, args: Any, kwargs: dict[str, Any]) -> None:
    values = getattr(drawn, "values", None)  # a PieContainer has them, since matplotlib 3.11
    if values is None:
        values = args[0] if args else kwargs["x"]
        if isinstance(values, str):
            values = kwargs["data"][values]
    pie = next(_pies)
    for wedge, value in zip(drawn[0], values):
        setattr(wedge, _NOTE, {"pie": pie, "value": float(value)})


def _note_boxes(drawn: dict[str, list[Any]], args: Any, kwargs: dict[str, Any]) -> None:
    boxes = args[0] if args else kwargs["bxpstats"]
    for artists in drawn.values():
        for artist in artists:
            setattr(artist, _NOTE, {"part": True})
    bodies = drawn["boxes"] or [None] * len(boxes)
    for statistics, median, box in zip(boxes, drawn["medians"], bodies):
        note = {
            "statistics": {
                name: float(statistics[name]) for name in ("whislo", "q1", "med", "q3", "whishi")
            },
            "outliers": list(statistics.get("fliers", ())) if drawn["fliers"] else None,
            "box": box,
        }
        setattr(median, _NOTE, note)
