"""Create one campaign per task: its identity, its fingerprints, and its journal."""

from __future__ import annotations
