"""Triggers, and the pollers and stoppers that they share in a triggerer."""

from __future__ import annotations
