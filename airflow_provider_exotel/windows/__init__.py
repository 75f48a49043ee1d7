"""Calling hours, presets, local time, and the time that a run stands for."""

from __future__ import annotations
