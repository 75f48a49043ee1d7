"""Wait for campaigns, determine their outcome, carry them over to the next window, and control them."""

from __future__ import annotations
