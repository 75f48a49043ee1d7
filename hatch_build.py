"""Metadata that depends on where the package is built: its page, and the addresses of its project.

The release sets ``PROJECT_URL`` to the repository that it runs in. Links and pictures of the README then lead there.
Without it, the package has no project address, and its page has neither relative links nor pictures.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"!\[([^\]]*)\]\((docs/[^)]*)\)\n\n")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)]+)\)")


class ProjectMetadata(MetadataHookInterface):
    """Set ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what depends on the repository."""
        address, version = os.environ.get("PROJECT_URL", "").rstrip("/"), metadata["version"]
        page = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": package_page(page, address, version)}
        metadata["urls"] = project_urls(address, version)


def project_urls(address: str, version: str) -> dict[str, str]:
    """Return the addresses on the package's page, or none without an address of the repository."""
    if not address:
        return {}
    return {
        "Source": address,
        "Documentation": f"{address}/blob/v{version}/docs/index.md",
        "Changelog": f"{address}/blob/v{version}/CHANGELOG.md",
        "Issues": f"{address}/issues",
    }


def package_page(readme: str, address: str, version: str) -> str:
    """Return the README with links that work outside of the repository.

    :param address: of the repository; without one, pictures are left out and a link becomes the name of its file.
    """
    if address:
        readme = PICTURE.sub(rf"![\1]({address}/raw/v{version}/\2)\n\n", readme)
        return LINK.sub(rf"[\1]({address}/blob/v{version}/\2)", readme)
    return LINK.sub(_file_name, PICTURE.sub("", readme))


def _file_name(link: re.Match[str]) -> str:
    path = link[2].partition("#")[0]
    return path if path.endswith(link[1]) else f"{link[1]} ({path})"
