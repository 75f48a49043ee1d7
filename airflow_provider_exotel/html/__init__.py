"""The parts shared by all pages: templates, style and charts. It imports nothing else of this package."""

from __future__ import annotations
