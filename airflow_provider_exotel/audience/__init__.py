"""Turn the rows of any source into valid, unique numbers, in chunks of sizes that Exotel accepts."""

from __future__ import annotations
