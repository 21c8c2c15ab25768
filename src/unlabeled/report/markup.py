"""HTML that cannot be broken into: whatever was not made by `tag` is text, and is escaped."""

from __future__ import annotations

import html
import re
from typing import Any

# Characters that hide, reorder or break the text around them are shown as Python would write them:
# controls, halves of a pair (bytes of a name that are no UTF-8), marks of direction, invisible
# ones. The joiners U+200C and U+200D stay: scripts and emoji need them.
_HIDDEN = (
    *range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F),
    *range(0x2060, 0x2070), *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF,
)  # fmt: skip
_VISIBLE = {code: chr(code).encode("unicode_escape").decode("ascii") for code in _HIDDEN}
_VOID = frozenset({"meta", "link", "img", "br"})


class Markup(str):
    """HTML made by `tag` and `text`; every other string is only text."""


def visible(value: Any) -> str:
    """Text on one line, with control and reordering characters made visible."""
    return str(value).translate(_VISIBLE)


def text(value: Any) -> Markup:
    """Escape a value, unless it is HTML already; None is nothing."""
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else html.escape(visible(value)))


def name(value: Any) -> Markup:
    """A name from outside: its direction stays its own, so that it cannot reorder its line."""
    return tag("bdi", value)


def prose(value: Any) -> Markup:
    """A sentence in which `backticks` set what one types."""
    parts = re.split(r"`([^`]+)`", str(value))
    return join(*(text(p) if i % 2 == 0 else tag("code", p) for i, p in enumerate(parts)))


def join(*children: Any) -> Markup:
    """Children one after the other."""
    return Markup("".join(map(text, children)))


def tag(element: str, *children: Any, **attributes: Any) -> Markup:
    """An element. `class_` is class, `_` is a hyphen; attributes that are None are left out.

    There are no `style` attributes: the page's policy forbids them.
    """
    parts = [
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(visible(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    start = f"<{element}{''.join(parts)}>"
    return Markup(start if element in _VOID else f"{start}{join(*children)}</{element}>")
