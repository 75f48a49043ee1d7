"""From files, queries and arguments to phone numbers: E.164, or the reason why not."""

from __future__ import annotations
