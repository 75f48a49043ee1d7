"""One campaign per task: its identity, fingerprint and journal, and creating it once."""

from __future__ import annotations
