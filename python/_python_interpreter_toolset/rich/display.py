"""Showing values in rich formats: those that are echoed, and `display` and its kin.

They are IPython's: https://ipython.readthedocs.io/en/stable/api/generated/IPython.display.html
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Collection
from types import ModuleType
from typing import Any

from ..import_hooks import after_import
from ..output import Output, encodable
from .ipython_stand_in import StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..figures.figures import Figures
    from .mime_bundles import Bundle

_MOST_TROUBLES = 10
_MAX_TEXT = 1 << 20  # characters of a value that is shown in one piece

# Whose values have a repr() and nothing else. By id, for a metaclass may define __hash__.
_PLAIN = frozenset(
    map(
        id,
        (
            *(bool, int, float, complex, str, bytes, bytearray, range, slice, type),
            *(list, tuple, dict, set, frozenset, ModuleType, type(id), type(lambda: None)),
        ),
    )
)

# What `display` shows of these libraries, and how, is prepared when they are imported.
_LIBRARIES = ("plotly.io._renderers", "altair", "PIL.ImageShow", "sympy.interactive.printing")


class _Session:
    """Where displays go, and what went wrong with those of this run."""

    output: Output
    figures: Figures | None
    troubles: dict[str, None]


_session = _Session()


def install(output: Output) -> None:
    """Show values by `output`, and make `display` a builtin."""
    _session.output, _session.figures, _session.troubles = output, None, {}
    builtins.display = display  # type: ignore[attr-defined]
    after_import("IPython.core.display_functions", _take_over)
    sys.meta_path.append(StandIn())
    for library in _LIBRARIES:
        after_import(library, _prepare)


def show_figures(figures: Figures | None) -> None:
    """Show figures as `figures` has them, if there is one."""
    _session.figures = figures


def echo(value: object) -> None:
    """Show the value of an expression; raises what its `repr()` raises."""
    bundle = _bundle_of(value, None, None)
    if bundle is None:
        return
    data, metadata = bundle
    text, output = data.get("text/plain", ""), _session.output
    is_only_text = len(data) == 1  # other formats cannot come as text
    if is_only_text and len(text) > _MAX_TEXT and output.diverted is None:
        output.write(1, f"{text}\n".encode())  # Node has no room for it as a whole
    else:
        output.publish({"type": "execute_result", "data": data, "metadata": metadata})


def take_troubles() -> list[str]:
    """Answer sentences about what could not be shown since the last call."""
    troubles = list(_session.troubles)
    _session.troubles.clear()
    return troubles


def display(
    *objs: Any,
    include: Collection[str] | None = None,
    exclude: Collection[str] | None = None,
    metadata: dict[str, Any] | None = None,
    transient: dict[str, Any] | None = None,
    display_id: Any = None,
    raw: bool = False,
    clear: bool = False,
    update: bool = False,
) -> DisplayHandle | None:
    """Show each of the values in all formats that it has, such as HTML or PNG beside its text.

    `include` and `exclude` name MIME types: only these, or all but these. With `raw`, the values
    are dicts from MIME types to contents themselves. `metadata` is added to that of the values.
    With a `display_id` (a text, or True for a new one) it answers a handle whose `update` shows
    something else in the same place. `clear` clears what the run has shown before.
    """
    if display_id is None and transient:
        display_id = transient.get("display_id")
    handle = DisplayHandle(None if display_id is True else display_id) if display_id else None
    if update and handle is None:
        raise TypeError("display_id required for update_display")
    if not objs and handle is not None:
        objs, raw = ({},), True  # a place for what comes later
    if clear:
        clear_output(wait=True)
    for value in objs:
        bundle = _raw_bundle(value, None) if raw else _shown_bundle(value, include, exclude)
        if bundle is not None:
            _, more = _raw_bundle({}, metadata)
            _merge(bundle[1], more)
            _publish(bundle, handle, update)
    return handle


def update_display(obj: Any, *, display_id: Any, **options: Any) -> None:
    """Show a value in place of the display of this id; `options` are those of `display`."""
    display(obj, display_id=display_id, **{**options, "update": True})


def clear_output(wait: bool = False) -> None:
    """Clear what the run has shown so far; with `wait`, when it shows more."""
    _session.output.publish({"type": "clear_output", "wait": bool(wait)})


def publish_display_data(
    data: dict[str, Any],
    metadata: dict[str, Any] | None = None,
    *,
    transient: dict[str, Any] | None = None,
    update: bool = False,
) -> None:
    """Show one thing in the formats of `data`: a dict from MIME types to contents."""
    display(data, metadata=metadata, transient=transient, update=update, raw=True)


class DisplayHandle:
    """A display that can be updated."""

    __module__ = "IPython.display"

    def __init__(self, display_id: Any = None) -> None:
        """Without a `display_id`, make a new one."""
        self.display_id = os.urandom(16).hex() if display_id is None else str(display_id)

    def __repr__(self) -> str:
        """Name the id."""
        return f"<DisplayHandle display_id={self.display_id}>"

    def display(self, obj: Any, **options: Any) -> None:
        """Show a value in a further display with this id."""
        display(obj, display_id=self.display_id, **options)

    def update(self, obj: Any, **options: Any) -> None:
        """Show a value in place of the displays with this id."""
        update_display(obj, display_id=self.display_id, **options)


def _publish(bundle: Bundle, handle: DisplayHandle | None, update: bool) -> None:
    data, metadata = bundle
    output: dict[str, Any] = {"type": "display_data", "data": data, "metadata": metadata}
    if handle is not None:
        output["display_id"] = handle.display_id
    if update:
        output["type"] = "update_display_data"
    _session.output.publish(output)


def _shown_bundle(
    value: Any, include: Collection[str] | None, exclude: Collection[str] | None
) -> Bundle | None:
    """Answer the bundle that shows `value`; a figure that is shown counts as captured."""
    figures = _session.figures
    if figures is not None and _is_figure(value):
        try:
            image = figures.take(value)
        except Exception as error:
            _tell(f"A figure could not be drawn: {type(error).__name__}: {error}")
        else:
            return None if image is None else _raw_bundle(image, None)
    return _bundle_of(value, include, exclude)


def _is_figure(value: object) -> bool:
    module = sys.modules.get("matplotlib.figure")
    # By the type: an instance can pretend to be of another class.
    return module is not None and issubclass(type(value), module.Figure)


def _bundle_of(
    value: object, include: Collection[str] | None, exclude: Collection[str] | None
) -> Bundle | None:
    """Answer a value's bundle; None if it has shown itself, or has none of these formats."""
    if id(type(value)) in _PLAIN and not include and not exclude:
        return {"text/plain": encodable(repr(value))}, {}
    from .mime_bundles import bundle_of

    return bundle_of(value, include, exclude, _tell)


def _raw_bundle(data: dict[str, Any], metadata: dict[str, Any] | None) -> Bundle:
    from .mime_bundles import raw_bundle

    return raw_bundle(data, metadata, _tell)


def _merge(metadata: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        known = metadata.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            metadata[key] = value


def _tell(trouble: str) -> None:
    if len(_session.troubles) < _MOST_TROUBLES:
        _session.troubles[trouble] = None


def _take_over(functions: ModuleType) -> None:
    """Make IPython's functions, and what was imported from them, ours."""
    ours = (display, update_display, clear_output, publish_display_data, DisplayHandle)
    for name in (functions.__name__, "IPython.display", "IPython.core.display"):
        module = sys.modules.get(name)
        if module is not None:
            vars(module).update({o.__name__: o for o in ours if o.__name__ in vars(module)})


def _prepare(library: ModuleType) -> None:
    from .library_shows import prepare

    prepare(library)
