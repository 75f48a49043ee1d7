"""The site: ``make docs`` builds it from these pages, and the API reference from the docstrings.

``index.md`` is the one list of pages. The navigation of the site and ``llms.txt`` are made of it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import airflow_provider_exotel

HERE = Path(__file__).parent
# --help breaks its lines where the terminal ends.
os.environ["COLUMNS"] = "88"

project = "airflow-provider-exotel"
author = "the authors"
version = release = airflow_provider_exotel.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["tasklist"]
myst_heading_anchors = 3
highlight_language = "text"

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["tables.js"]
html_copy_source = True
html_sourcelink_suffix = ""
html_show_sphinx = False
html_show_copyright = False


@dataclass(frozen=True)
class Page:
    """A row of the list of pages.

    :param section: the heading that it stands under.
    :param path: the file, from ``docs/``.
    :param summary: what the reader finds there.
    """

    section: str
    title: str
    path: str
    summary: str


def pages() -> list[Page]:
    """Return the pages in the order of ``index.md``: rows of tables whose first cell is a link to a file here."""
    found, section = [], ""
    for line in (HERE / "index.md").read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif row := re.match(r"\| \[([^\]]+)\]\(([\w./-]+\.md)\) \| (.+) \|$", line):
            found.append(Page(section, row[1], row[2], re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", row[3])))
    return found


def navigation() -> str:
    """Return the tables of contents for the site's navigation, one for each section."""
    sections = dict.fromkeys(page.section for page in pages())
    blocks = (
        [f"\n```{{toctree}}\n:hidden:\n:caption: {section}\n"]
        + [f"{page.title} <{page.path}>" for page in pages() if page.section == section]
        + ["```\n"]
        for section in sections
    )
    return "\n".join(line for block in blocks for line in block)


def llms_txt() -> str:
    """Return the list of pages for programs that read: https://llmstxt.org."""
    index = (HERE / "index.md").read_text()
    lines = [f"# {project}", "", "> " + " ".join(index.split("\n\n")[1].split())]
    section = None
    for page in pages():
        if page.section != section:
            section = page.section
            lines += ["", f"## {section}", ""]
        lines.append(f"- [{page.title}](_sources/{page.path}): {page.summary}")
    return "\n".join(lines) + "\n"


ROOMS = {
    "operators": "Operators",
    "sensors": "Sensor",
    "triggers": "Event of finished campaigns",
    "hooks": "Hook",
    "links": "Links of a task",
    "windows": "Windows",
    "client": "Client",
    "create": "Client",
    "waiting": "Client",
}
# Whose methods people call; of the others only the constructor counts.
MEMBERS = {
    "ExotelHook": "client, create_campaign, create_campaign_once, test_connection",
    **dict.fromkeys(("ExotelClient", "Campaign", "CallRecord", "CallingWindow", "CampaignStatus"), ""),
}


def api_reference() -> str:
    """Return the directives for every public name, by kind."""
    kinds: dict[str, list[str]] = {}
    for name in airflow_provider_exotel.__all__:
        value = getattr(airflow_provider_exotel, name)
        is_error = isinstance(value, type) and issubclass(value, Exception)
        room = value.__module__.split(".")[1]
        kinds.setdefault("Errors" if is_error else ROOMS[room], []).append(name)
    lines = []
    for kind in [*dict.fromkeys(ROOMS.values()), "Errors"]:
        lines += [f"\n## {kind}\n", "```{eval-rst}"]
        for name in kinds[kind]:
            value = getattr(airflow_provider_exotel, name)
            lines += [f".. auto{'class' if isinstance(value, type) else 'function'}:: airflow_provider_exotel.{name}"]
            lines += [f"   :members: {MEMBERS[name]}"] if name in MEMBERS else []
            lines += ["   :show-inheritance:"] if kind == "Errors" else []
            lines += [""]
        lines += ["```\n"]
    return "\n".join(lines)


def root_file(name: str) -> str:
    """Return a file of the repository's root as a page of ``docs/``; its links to other files become their names."""
    text = (HERE.parent / name).read_text().replace("](docs/", "](")
    return re.sub(r"\[([^\]]+)\]\((?![a-z]+:|[a-z-]+\.md)[^)]*\)", r"\1", text)


def examples() -> str:
    """Return the example DAGs, whole."""
    files = sorted((HERE.parent / "example_dags").glob("exotel_*.py"))
    return "".join(f"\n## {file.name}\n\n```{{literalinclude}} ../example_dags/{file.name}\n```\n" for file in files)


def command_lines() -> str:
    """Return what ``--help`` of each program prints."""
    programs = re.findall(r"^\| `(\S+)`", (HERE / "commands.md").read_text(), re.MULTILINE)
    lines = []
    for program in programs:
        module = import_module(program if program.endswith((".stop", ".callbacks")) else f"{program}.__main__")
        lines.append(f"\n## {program.rpartition('.')[2]}\n\n```\n{module.arguments().format_help()}```\n")
    return "".join(lines)


# What a page shows on the site only.
ADDED = {"index": navigation, "api": api_reference, "examples": examples, "commands": command_lines}
FROM_ROOT = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}


def on_the_site(page: str, text: str) -> str:
    """Return the text of a page with what only the site shows.

    :param page: the path from ``docs/``, without its ending.
    :param text: the page in the repository.
    """
    if page in FROM_ROOT:
        return root_file(FROM_ROOT[page])
    up = "../" * page.count("/")
    for name, file in FROM_ROOT.items():
        text = text.replace(f"]({up}../{file}", f"]({up}{name}.md")
    text = re.sub(
        rf"\]\({up}\.\./example_dags/(exotel_\w+)\.py\)", lambda found: f"]({up}examples.md#{found[1]}py)", text
    )
    return text + ADDED[page]() if page in ADDED else text


def setup(app: Any) -> None:
    """Add to the pages what only the site shows, and write ``llms.txt`` beside them."""

    def read(_app: Any, page: str, source: list[str]) -> None:
        source[0] = on_the_site(page, source[0])

    def finish(app: Any, error: Exception | None) -> None:
        if error is None and app.builder.format == "html":
            out = Path(app.outdir)
            (out / "llms.txt").write_text(llms_txt())
            for page in (*ADDED, *FROM_ROOT):
                if page != "index":
                    (out / "_sources" / f"{page}.md").write_text(on_the_site(page, (HERE / f"{page}.md").read_text()))

    app.connect("source-read", read)
    app.connect("build-finished", finish)
