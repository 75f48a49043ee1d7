"""When a campaign is over, what came of it, carrying it over to the next window, and control."""

from __future__ import annotations
