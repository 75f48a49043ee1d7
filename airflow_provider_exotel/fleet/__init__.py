"""An audience as a fleet of campaigns: who is called by which of them, when, and how fast. Pure."""

from __future__ import annotations
