"""The report of a campaign: tables, an accounting that adds up, an audit and a page. Pure."""

from __future__ import annotations
