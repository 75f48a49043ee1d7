"""Who is called: rows of any source -> numbers that exist, each once -> chunks of the sizes Exotel takes."""

from __future__ import annotations
