"""What `IPython.display` has, for environments without IPython."""

from __future__ import annotations

import html
import json
import mimetypes
import os
from collections.abc import Callable
from typing import Any

from .display import (
    DisplayHandle,
    clear_output,
    display,
    publish_display_data,
    update_display,
)

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


class DisplayObject:
    """Something to display, given as `data`, or read from a file or a URL."""

    _binary = False

    def __init__(
        self,
        data: Any = None,
        url: str | None = None,
        filename: Any = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Take `data` that is a URL or the path of a file for that."""
        if isinstance(data, os.PathLike):
            data = os.fspath(data)
        if isinstance(data, str) and url is None and filename is None:
            if data.startswith(("http:", "https:")):
                data, url = None, data
            elif _is_file(data):
                data, filename = None, data
        self.data = data
        self.url = url
        self.filename = None if filename is None else os.fspath(filename)
        self.metadata = metadata or {}
        self.reload()

    def __repr__(self) -> str:
        """Name the class only, as IPython does."""
        return f"<IPython.display.{type(self).__name__} object>"

    def reload(self) -> None:
        """Read the data from the file or the URL once more."""
        if self.filename is not None:
            with open(self.filename, "rb") as file:
                self._set(file.read())
        elif self.url is not None:
            from urllib.request import urlopen

            with urlopen(self.url) as response:
                self._set(response.read())

    def _set(self, content: bytes) -> None:
        self.data = content if self._binary else content.decode("utf-8", "backslashreplace")

    def _with_metadata(self) -> Any:
        return (self.data, self.metadata) if self.metadata else self.data


class TextDisplayObject(DisplayObject):
    """A display object whose data is text."""

    def reload(self) -> None:
        """Read the text once more; raises TypeError if what was given is none."""
        super().reload()
        if self.data is not None and not isinstance(self.data, str):
            raise TypeError(f"{type(self).__name__} expects text, not {self.data!r}")


class Pretty(TextDisplayObject):
    """Plain text."""

    def __repr__(self) -> str:
        """Answer the text itself."""
        return str(self.data)


class HTML(TextDisplayObject):
    """HTML."""

    def _repr_html_(self) -> Any:
        return self._with_metadata()

    def __html__(self) -> Any:
        """Answer the HTML, for libraries that would escape text."""
        return self.data


class Markdown(TextDisplayObject):
    """Markdown."""

    def _repr_markdown_(self) -> Any:
        return self._with_metadata()


class Latex(TextDisplayObject):
    """LaTeX, with its delimiters."""

    def _repr_latex_(self) -> Any:
        return self._with_metadata()


class Math(TextDisplayObject):
    """LaTeX of the inside of a formula."""

    def _repr_latex_(self) -> Any:
        formula = f"$\\displaystyle {(self.data or '').strip('$')}$"
        return (formula, self.metadata) if self.metadata else formula


class SVG(DisplayObject):
    """An SVG image."""

    def _repr_svg_(self) -> Any:
        return self._with_metadata()


class JSON(DisplayObject):
    """A value as JSON; text is parsed."""

    def __init__(
        self,
        data: Any = None,
        url: str | None = None,
        filename: Any = None,
        expanded: bool = False,
        metadata: dict[str, Any] | None = None,
        root: str = "root",
        **more: Any,
    ) -> None:
        """Tell a viewer to begin `expanded`, and what to call the `root`."""
        about = {"expanded": expanded, "root": root, **(metadata or {}), **more}
        super().__init__(data, url, filename, about)

    def reload(self) -> None:
        """Read and parse the text once more."""
        super().reload()
        if isinstance(self.data, (str, bytes)):
            self.data = json.loads(self.data)

    def _repr_json_(self) -> Any:
        return self._with_metadata()


class Javascript(TextDisplayObject):
    """JavaScript."""

    def _repr_javascript_(self) -> Any:
        return self._with_metadata()


class Image(DisplayObject):
    """An image in PNG, JPEG or another format; that of a URL is not read, but linked to."""

    _binary = True

    def __init__(
        self,
        data: Any = None,
        url: str | None = None,
        filename: Any = None,
        format: str | None = None,
        embed: bool | None = None,
        width: int | None = None,
        height: int | None = None,
        retina: bool = False,
        unconfined: bool = False,
        metadata: dict[str, Any] | None = None,
        alt: str | None = None,
    ) -> None:
        """Tell a viewer the size in pixels; `embed` reads the image of a URL too."""
        self._embed = embed
        self._format = format
        about = {"width": width, "height": height, "alt": alt, "unconfined": unconfined or None}
        given = {name: value for name, value in about.items() if value is not None}
        super().__init__(data, url, filename, {**given, **(metadata or {})})
        if self.data is not None and not isinstance(self.data, (bytes, bytearray, memoryview)):
            raise TypeError(f"Image expects bytes, or the path of a file, not {self.data!r}")

    def reload(self) -> None:
        """Read the image once more, if it is not to be linked to."""
        if self.url is None or self._embed:
            super().reload()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if self.data is None:
            size = {name: self.metadata.get(name) for name in ("width", "height", "alt")}
            return {"text/html": f"<img {_attributes(src=self.url, **size)}/>"}
        mime = self._mime_type(bytes(self.data[:16]))
        return {mime: self.data}, {mime: self.metadata} if self.metadata else {}

    def _mime_type(self, beginning: bytes) -> str:
        if self._format is not None:
            return f"image/{self._format.lower().replace('jpg', 'jpeg')}"
        for signature, mime in _SIGNATURES:
            if beginning.startswith(signature):
                return mime
        if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
            return "image/webp"
        guess, _ = mimetypes.guess_type(self.filename or self.url or "")
        return guess or "image/png"


class Code(TextDisplayObject):
    """Source code."""

    def __init__(
        self,
        data: str | None = None,
        url: str | None = None,
        filename: Any = None,
        language: str | None = None,
    ) -> None:
        """Tell a viewer the `language`."""
        self.language = language
        super().__init__(data, url, filename)

    def __repr__(self) -> str:
        """Answer the code itself."""
        return str(self.data)

    def _repr_html_(self) -> str:
        kind = f' class="language-{html.escape(self.language)}"' if self.language else ""
        return f"<pre><code{kind}>{html.escape(self.data or '')}</code></pre>"


class IFrame:
    """Another page within the page."""

    def __init__(self, src: Any, width: Any, height: Any, **params: Any) -> None:
        """Show `src` in this size; further arguments are added to it as a query."""
        self.src, self.width, self.height, self.params = src, width, height, params

    def __repr__(self) -> str:
        """Name the class only, as IPython does."""
        return "<IPython.display.IFrame object>"

    def _repr_html_(self) -> str:
        from urllib.parse import urlencode

        source = f"{self.src}?{urlencode(self.params)}" if self.params else str(self.src)
        shown = _attributes(width=self.width, height=self.height, src=source)
        return f'<iframe {shown} frameborder="0" allowfullscreen></iframe>'


class FileLink:
    """A link to a file."""

    def __init__(self, path: Any, url_prefix: str = "") -> None:
        """Link to `path`, with `url_prefix` before it."""
        self.path: str = os.fspath(path)
        self.url_prefix = url_prefix

    def __repr__(self) -> str:
        """Answer the absolute path."""
        return os.path.abspath(self.path)

    def _repr_html_(self) -> str:
        link = _attributes(href=self.url_prefix + self.path)
        return f'<a {link} target="_blank">{html.escape(self.path)}</a>'


def _is_file(text: str) -> bool:
    try:
        return os.path.isfile(text)
    except (OSError, ValueError):
        return False


def _attributes(**values: Any) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return " ".join(f'{name}="{html.escape(str(value))}"' for name, value in given.items())


def _display_as(name: str, mime: str) -> Callable[..., None]:
    def display_as(*objs: Any, raw: bool = False, metadata: Any = None) -> None:
        if raw:
            for content in objs:
                display({mime: content}, metadata={mime: metadata} if metadata else None, raw=True)
        else:
            display(*objs, include=[mime], metadata=metadata)

    display_as.__name__ = display_as.__qualname__ = name
    display_as.__doc__ = f"Show values as {mime}; with `raw`, contents of that type."
    return display_as


display_pretty = _display_as("display_pretty", "text/plain")
display_html = _display_as("display_html", "text/html")
display_markdown = _display_as("display_markdown", "text/markdown")
display_svg = _display_as("display_svg", "image/svg+xml")
display_png = _display_as("display_png", "image/png")
display_jpeg = _display_as("display_jpeg", "image/jpeg")
display_latex = _display_as("display_latex", "text/latex")
display_json = _display_as("display_json", "application/json")
display_javascript = _display_as("display_javascript", "application/javascript")
display_pdf = _display_as("display_pdf", "application/pdf")

__all__ = [  # noqa: RUF022  # functions, objects, functions for one format
    "DisplayHandle",
    "clear_output",
    "display",
    "publish_display_data",
    "update_display",
    "Code",
    "DisplayObject",
    "FileLink",
    "HTML",
    "IFrame",
    "Image",
    "JSON",
    "Javascript",
    "Latex",
    "Markdown",
    "Math",
    "Pretty",
    "SVG",
    "TextDisplayObject",
    "display_html",
    "display_javascript",
    "display_jpeg",
    "display_json",
    "display_latex",
    "display_markdown",
    "display_pdf",
    "display_png",
    "display_pretty",
    "display_svg",
]

for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = "IPython.display"
