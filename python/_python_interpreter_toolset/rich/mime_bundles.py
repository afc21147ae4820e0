"""The formats of a value, from MIME type to content, as IPython asks values for them.

https://ipython.readthedocs.io/en/stable/config/integrating.html describes the methods.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Collection
from typing import Any

from ..output import encodable
from ..protocol import encode_json
from ..values import to_json, type_name
from .library_forms import forms_of

_MAX_BYTES = 20_000_000
_MAX_REASON = 300  # characters of an error's message

# In IPython's order. None of them is asked for a type that the value has given already.
_METHODS = (
    ("text/html", "_repr_html_"),
    ("text/markdown", "_repr_markdown_"),
    ("image/svg+xml", "_repr_svg_"),
    ("image/png", "_repr_png_"),
    ("image/jpeg", "_repr_jpeg_"),
    ("application/pdf", "_repr_pdf_"),
    ("text/latex", "_repr_latex_"),
    ("application/json", "_repr_json_"),
    ("application/javascript", "_repr_javascript_"),
)

# No object has it, but those that answer any name at all; IPython asks for the same.
_CANARY = "_ipython_canary_method_should_not_exist_"

Tell = Callable[[str], None]

# Data and metadata, each by MIME type, ready to be sent.
Bundle = tuple[dict[str, Any], dict[str, Any]]


def bundle_of(
    value: object,
    include: Collection[str] | None,
    exclude: Collection[str] | None,
    tell: Tell,
) -> Bundle | None:
    """Answer what `value` looks like in each format; None if it has shown itself, or has none.

    What a method raises only costs its format, and is told to `tell` in a sentence. Raises what
    `repr(value)` raises.
    """
    asked = _Asked(value, include, exclude, tell)
    # What is in a class is meant for its instances.
    if not issubclass(type(value), type) and not asked.answers_everything():
        asked.ask_library()
        if not asked.complete:
            if asked.shows_itself():
                return None
            asked.ask_for_bundle()
            asked.ask_for_each()
    asked.ask_for_text()
    return (asked.data, asked.metadata) if asked.data else None


def raw_bundle(data: object, metadata: object, tell: Tell) -> Bundle:
    """Answer contents that the caller has made itself; raises TypeError if they are no dict."""
    if not isinstance(data, dict):
        raise TypeError(f"raw data must be a dict of MIME types, not {type_name(data)}")
    contents = {mime: _content(mime, content, tell) for mime, content in data.items()}
    sent = {mime: content for mime, content in contents.items() if content is not None}
    return sent, _metadata(metadata, tell)


class _Asked:
    """One value and what it has answered."""

    def __init__(
        self,
        value: Any,
        include: Collection[str] | None,
        exclude: Collection[str] | None,
        tell: Tell,
    ) -> None:
        self.data: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.complete = False
        self._value = value
        self._include = include or None
        self._exclude = exclude or ()
        self._tell = tell

    def answers_everything(self) -> bool:
        """Answer whether the value has whatever one asks for, such as a mock, or fails to say."""
        try:
            return getattr(self._value, _CANARY, None) is not None
        except Exception:
            return True

    def ask_library(self) -> None:
        """Take the formats that are made for the values of certain libraries."""
        try:
            forms, self.complete = forms_of(self._value)
        except Exception as error:
            self._tell_failure("as its library has it", error)
            return
        self._take(forms, None)

    def shows_itself(self) -> bool:
        """Answer whether the value has a method that displays it, and has been displayed so."""
        method = self._method("_ipython_display_")
        if method is None:
            return False
        try:
            method()
        except NotImplementedError:
            return False
        except Exception as error:
            self._tell_failure("by _ipython_display_", error)
            return False
        return True

    def ask_for_bundle(self) -> None:
        """Take all that the value gives at once."""
        answer = self._call(
            "_repr_mimebundle_", include=self._include, exclude=self._exclude or None
        )
        data, metadata = _with_metadata(answer)
        if isinstance(data, dict):
            self._take(data, metadata)
        elif data is not None:
            self._tell_type("by _repr_mimebundle_", data)

    def ask_for_each(self) -> None:
        """Take each format that the value has a method for."""
        for mime, name in _METHODS:
            # Both would be the same picture, made and sent twice.
            is_second = mime == "image/jpeg" and "image/png" in self.data
            if mime in self.data or is_second or not self._wants(mime):
                continue
            data, metadata = _with_metadata(self._call(name))
            self._take({mime: data}, {mime: metadata} if metadata else None)

    def ask_for_text(self) -> None:
        """Take the value's repr()."""
        if "text/plain" not in self.data and self._wants("text/plain"):
            self.data["text/plain"] = encodable(repr(self._value))

    def _wants(self, mime: object) -> bool:
        return (self._include is None or mime in self._include) and mime not in self._exclude

    def _method(self, name: str) -> Callable[..., Any] | None:
        try:
            method = getattr(self._value, name, None)
        except Exception:
            return None
        return method if callable(method) else None

    def _call(self, name: str, **options: Any) -> Any:
        method = self._method(name)
        if method is None:
            return None
        try:
            return method(**options)
        except NotImplementedError:
            return None
        except Exception as error:
            self._tell_failure(f"by {name}", error)
            return None

    def _take(self, data: dict[Any, Any], metadata: object) -> None:
        for mime, content in data.items():
            if mime not in self.data and self._wants(mime):
                cleaned = _content(mime, content, self._tell)
                if cleaned is not None:
                    self.data[mime] = cleaned
        if metadata:
            self.metadata.update(_metadata(metadata, self._tell))

    def _tell_failure(self, how: str, error: Exception) -> None:
        self._tell(f"{type_name(self._value)} could not be shown {how}: {_reason(error)}")

    def _tell_type(self, how: str, answer: object) -> None:
        self._tell(
            f"{type_name(self._value)} could not be shown {how}: it gave {type_name(answer)}"
        )


def _with_metadata(answer: Any) -> tuple[Any, Any]:
    if isinstance(answer, tuple) and len(answer) == 2:
        return answer
    return answer, None


def _content(mime: object, content: Any, tell: Tell) -> Any:
    """Answer content as it can be sent: text, base64 or JSON; None if that cannot be."""
    if content is None or not isinstance(mime, str):
        return None
    is_text = mime.startswith("text/") or mime in ("image/svg+xml", "application/javascript")
    if isinstance(content, (bytes, bytearray, memoryview)):
        binary = bytes(content)
        if is_text:
            content = binary.decode("utf-8", "backslashreplace")
        else:
            content = binascii.b2a_base64(binary, newline=False).decode("ascii")
    if isinstance(content, str):
        text = encodable(str.__str__(content))
        return text if _fits(mime, len(text), tell) else None
    if is_text or mime.startswith("image/"):
        tell(f"A display has no {mime}: it was {type_name(content)}, not text")
        return None
    return _json(mime, content, tell)


def _json(what: str, value: Any, tell: Tell) -> Any:
    """Answer a value as JSON, with what JSON cannot say as `to_json` has it; None if too much."""
    try:
        try:
            size = len(encode_json(value))
        except (TypeError, ValueError, RecursionError):
            value = to_json(value, what)
            size = len(encode_json(value))
    except Exception as error:
        tell(f"A display has no {what}: {_reason(error)}")
        return None
    return value if _fits(what, size, tell) else None


def _fits(mime: str, size: int, tell: Tell) -> bool:
    if size <= _MAX_BYTES:
        return True
    tell(f"A display has no {mime}: of {size:,} bytes, it is over {_MAX_BYTES:,}")
    return False


def _metadata(metadata: Any, tell: Tell) -> dict[str, Any]:
    answer = _json("metadata", metadata, tell) if metadata else None
    return answer if isinstance(answer, dict) else {}


def _reason(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    cut = f"{text[:_MAX_REASON]}..." if len(text) > _MAX_REASON else text
    return f"{type(error).__name__}: {cut}"
