"""What pages share: templates and charts."""

from __future__ import annotations
