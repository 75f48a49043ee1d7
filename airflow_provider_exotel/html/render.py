"""Renders pages from templates. Pages load nothing, need no script and work under a strict CSP."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_MARKDOWN_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~])")


def render(template: str, **values: Any) -> str:
    """Return a page as text; every value is escaped.

    :param template: the file under ``templates``, such as ``report.html``.
    :param values: the values of the template.
    :raises jinja2.UndefinedError: if the template needs a missing value.
    """
    return _environment().get_template(template).render(values)


def style_policy(page: str) -> str:
    """Return the CSP source that allows a page's own style and no other.

    :param page: a page made by :func:`render`.
    """
    style = page.partition("<style>")[2].partition("</style>")[0]
    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("airflow_provider_exotel.html"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "intcomma": "{:,}".format,
        "markdown": _escape_markdown,
        "percent": percent,
        "quantity": quantity,
    }
    return environment


def quantity(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun, such as ``1,200 calls``.

    :param singular: the noun for 1.
    :param plural: the noun for all other numbers, default ``singular`` with an s.
    """
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"


def percent(part: int, whole: int) -> str:
    """Return a share as text; it is 0% only for nothing and 100% only for everything."""
    if not whole:
        return "–"
    share = f"{part / whole:.0%}"
    return "<1%" if part and share == "0%" else ">99%" if part < whole and share == "100%" else share


def _escape_markdown(text: str) -> str:
    return _MARKDOWN_MARKS.sub(r"\\\1", " ".join(text.split()))
