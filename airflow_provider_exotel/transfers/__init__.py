"""Transfers: what the service holds, to object storage."""

from __future__ import annotations
