"""The tasks that wait for somebody else's campaigns."""

from __future__ import annotations
