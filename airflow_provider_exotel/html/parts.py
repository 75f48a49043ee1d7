"""What pages are made of: they stand by themselves, without scripts and without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any


def document(title: str, subtitle: str, content: str, *, footer: str, campaign_ids: Iterable[str] = ()) -> str:
    """Return a whole page.

    :param title: its heading, as text.
    :param subtitle: the line beneath, as text.
    :param content: the rest, as HTML.
    :param footer: where it comes from, as text.
    :param campaign_ids: the campaigns it is about, by which programs find it.
    """
    ids = escape(" ".join(campaign_ids))
    about = f'<meta name="exotel-campaigns" content="{ids}">\n' if ids else ""
    return _template().substitute(
        title=escape(title), subtitle=escape(subtitle), content=content, footer=escape(footer), about=about
    )


@cache
def _template() -> Template:
    return Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))


def key_figures(cells: Iterable[tuple[str, str, str]]) -> str:
    """Return large figures beside each other.

    :param cells: of each its name, the figure, and a few words beneath.
    """
    made = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
        for name, value, more in cells
    )
    return f'<dl class="figures">{made}</dl>'


def section(title: str, content: str) -> str:
    """Return a part of the page under its heading.

    :param content: as HTML.
    """
    return f'<section><h2>{title}</h2><div class="card">{content}</div></section>'


def gallery(title: str, drawn: Iterable[str]) -> str:
    """Return figures beside each other under one heading.

    :param drawn: each as :func:`figure` makes it.
    """
    return f'<section><h2>{title}</h2><div class="charts">{"".join(drawn)}</div></section>'


def figure(title: str, chart: str, note: str = "", *, wide: bool = False) -> str:
    """Return a chart with its caption.

    :param chart: as HTML.
    :param note: what to know to read it.
    :param wide: whether it takes the whole width.
    """
    caption = f"<p>{escape(note)}</p>" if note else ""
    kind = ' class="wide"' if wide else ""
    return f"<figure{kind}><figcaption>{title}{caption}</figcaption>{chart}</figure>"


def verdict(text: str, *, good: bool) -> str:
    """Return a line that says at once whether all is well."""
    return f'<p class="{"good" if good else "bad"}"><b aria-hidden="true">{"✓" if good else "✗"}</b> {escape(text)}</p>'


def quiet(text: str) -> str:
    """Return a line of less weight."""
    return f'<p class="quiet">{escape(text)}</p>'


def listed(items: Iterable[str]) -> str:
    """Return a list, nothing if it has no items."""
    made = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{made}</ul>" if made else ""


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table whose first column names its rows."""
    body = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>{"".join(f"<td>{escape(str(cell))}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    names = "".join(f'<th scope="col">{each}</th>' for each in head)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number of things in words.

    :param one: what stands behind 1.
    :param several: what stands behind all others, default the same with an s.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def percent(part: int, whole: int) -> str:
    """Return a share in words; only nothing is 0%, and only everything is 100%."""
    if not whole:
        return "–"
    share = f"{part / whole:.0%}"
    return "<1%" if part and share == "0%" else ">99%" if part < whole and share == "100%" else share
