"""Who is called: reading and cleaning phone numbers."""

from __future__ import annotations
