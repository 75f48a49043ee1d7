"""Find out on a real account what the documentation of its service leaves open."""

from __future__ import annotations
