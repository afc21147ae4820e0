"""What the parts of a matplotlib axes are called, by themselves or by the legend's colours.

Imported when there is a figure to describe: matplotlib has numpy imported by then.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .chart_axis import class_names, text

_MAX_LABELS = 100
_MAX_GROUPS = 50


class Names:
    """The names of an axes' artists.

    seaborn gives its artists no labels: it makes a legend of colours. One colour that stands there
    for one name, which no artist has for itself, names what is drawn in it.
    """

    def __init__(self, axes: Any) -> None:
        """Read the legend of the axes, or else of the figure."""
        self._by_colour = _read_legend(axes)

    def of(self, artist: Any, coloured: Any) -> str | None:
        """Answer the artist's own label, or what the legend calls the colour of `coloured`."""
        label = own_label(artist)
        if label is not None or not self._by_colour:
            return label
        colour = _colour(coloured)
        return None if colour is None else self._by_colour.get(colour)

    def groups_of(self, points: Any) -> list[tuple[str, Any]] | None:
        """Split a collection of points as the legend does: names, and the indices of each.

        None where that does not have all of their colours.
        """
        colours = np.asarray(points.get_facecolor())
        count = len(points.get_offsets())
        if own_label(points) or count < 2 or len(colours) != count or not self._by_colour:
            return None
        found, group = np.unique(_as_number(colours[:, :3]), return_inverse=True)
        if len(found) > _MAX_GROUPS or not {*found.tolist()} <= self._by_colour.keys():
            return None
        return [
            (self._by_colour[colour], np.flatnonzero(group == at))
            for at, colour in enumerate(found.tolist())
        ]


def own_label(artist: Any) -> str | None:
    """Answer the label that an artist was given."""
    label = artist.get_label()
    # matplotlib's own names, which no legend shows, begin so.
    return None if not label or str(label).startswith("_") else text(label)


def labels(legend: Any) -> list[str]:
    """Answer the labels in a legend, which may be None."""
    if legend is None:
        return []
    return [text(label.get_text()) or "" for label in legend.get_texts()[:_MAX_LABELS]]


def draws_something(artist: Any) -> bool:
    """Answer whether an artist has an extent: those made for a legend only do not."""
    classes = class_names(artist)
    if "Line2D" in classes:
        return len(artist.get_xdata(orig=False)) > 0
    if "Rectangle" in classes:
        return bool(artist.get_width() or artist.get_height())
    if "PathCollection" in classes:
        return len(artist.get_offsets()) > 0
    return True


def _read_legend(axes: Any) -> dict[int, str]:
    legend = axes.get_legend() or next(iter(axes.figure.legends), None)
    if legend is None:
        return {}
    drawn = [artist for artist in [*axes.lines, *axes.collections] if draws_something(artist)]
    taken = {own_label(artist) for artist in [*drawn, *axes.containers]}
    # Called legendHandles before matplotlib 3.7.
    handles = getattr(legend, "legend_handles", None) or getattr(legend, "legendHandles", [])
    names: dict[int, str | None] = {}
    for handle, label in zip(handles, legend.get_texts()):
        visible = hasattr(handle, "get_visible") and handle.get_visible()
        colour = _colour(handle) if visible else None
        if colour is not None:
            names[colour] = None if colour in names else text(label.get_text())
    return {
        colour: name for colour, name in names.items() if name is not None and name not in taken
    }


def _colour(artist: Any) -> int | None:
    """Answer the colour that an artist is known by in a legend; None where it has several."""
    if hasattr(artist, "get_color"):
        return _one_colour(artist.get_color())
    filled = getattr(artist, "get_fill", lambda: True)()
    face = _one_colour(artist.get_facecolor()) if filled else None
    return _one_colour(artist.get_edgecolor()) if face is None else face


def _one_colour(colour: Any) -> int | None:
    if np.ndim(colour) == 2:
        if len(colour) == 0 or (colour != colour[0]).any():
            return None
        colour = colour[0]
    *rgb, alpha = sys.modules["matplotlib.colors"].to_rgba(colour)
    return None if alpha == 0 else int(_as_number(np.array(rgb)))


def _as_number(rgb: Any) -> Any:
    """Answer colours, of parts up to 1, as numbers that tell them apart as 24 bits do."""
    return np.round(rgb * 255).astype(int) @ (1 << 16, 1 << 8, 1)
