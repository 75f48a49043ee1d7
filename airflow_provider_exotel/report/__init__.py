"""What a campaign leaves behind: tables, an account that adds up, an audit, and a page. Pure."""

from __future__ import annotations
