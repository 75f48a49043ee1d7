"""Checks of a real account for what the service's documentation leaves open."""

from __future__ import annotations
