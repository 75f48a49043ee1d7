"""When a campaign may dial: calling hours, presets, local time, and the date a run stands for."""

from __future__ import annotations
