"""Read files, queries and arguments into E.164 phone numbers, or the reason why an entry is rejected."""

from __future__ import annotations
