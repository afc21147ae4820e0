"""What a matplotlib figure shows, as data: its axes, and in them series with their numbers.

A chart is made of the artists of a figure that has just been drawn, and of the notes that
`plot_data` has left on them. It claims what is known for certain: artists that are not recognised
are listed under `others`, by class. `src/toolset/charts.ts` describes each field.

Imported when there is a figure to describe: matplotlib has numpy imported by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .chart_axes import AxesChart, Room
from .chart_axis import class_names, text
from .chart_names import labels

MIME_TYPE = "application/vnd.python-interpreter-toolset.chart+json"

Chart = dict[str, Any]

_MAX_AXES = 100
_MAX_SERIES = 200  # of a figure, as are points
_MAX_POINTS = 20_000
_MAX_POINTS_OF_SERIES = 1000


def describe(figure: Any) -> tuple[Chart, list[str]]:
    """Answer what a drawn figure shows, and sentences about what could not be described."""
    all_axes = [axes for axes in _with_insets(figure.axes) if axes.get_visible()]
    shown = all_axes[:_MAX_AXES]
    room = _room(shown)
    chart: Chart = {"title": _figure_text(figure, "suptitle")}
    for name in ("x", "y"):
        label = _figure_text(figure, f"sup{name}label")
        if label is not None:
            chart[f"{name}_label"] = label
    if figure.legends:
        chart["legend"] = [label for legend in figure.legends for label in labels(legend)]
    chart["axes"] = []
    troubles = []
    for number, axes in enumerate(shown, 1):
        try:
            # User code can have made numpy strict.
            with np.errstate(all="ignore"):
                chart["axes"].append(AxesChart(axes, room).describe())
        except Exception as error:
            troubles.append(f"axes {number}: {type(error).__name__}: {error}")
    if len(all_axes) > len(chart["axes"]):
        chart["axes_left_out"] = len(all_axes) - len(chart["axes"])
    return chart, troubles


def _room(all_axes: list[Any]) -> Room:
    """Share out among the series of all axes what a chart may hold."""
    artists = sum(
        len(axes.lines) + len(axes.collections) + len(axes.containers) for axes in all_axes
    )
    points = _MAX_POINTS // max(1, min(artists, _MAX_SERIES))
    return Room(points=min(_MAX_POINTS_OF_SERIES, points), series=_MAX_SERIES)


def _with_insets(all_axes: list[Any]) -> Iterator[Any]:
    for axes in all_axes:
        yield axes
        insets = [child for child in axes.child_axes if "SecondaryAxis" not in class_names(child)]
        yield from _with_insets(insets)


def _figure_text(figure: Any, name: str) -> str | None:
    # Its get_ methods come with matplotlib 3.8.
    artist = getattr(figure, f"_{name}", None)
    return None if artist is None else text(artist.get_text())
