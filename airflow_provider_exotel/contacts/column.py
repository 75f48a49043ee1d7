"""Normalise the number column of a source of any size, row by row, with the whole column as context."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator

from airflow_provider_exotel.contacts.normalise import NumberColumn, Undecided, Verdict
from airflow_provider_exotel.contacts.rejection import Reason
from airflow_provider_exotel.contacts.rows import Row, batches

_IN_MEMORY = 1 << 20


def normalise_rows(
    rows: Iterable[Row], default_country: str | None, *, has_country_code: bool = False
) -> Iterator[tuple[Row, Verdict]]:
    """Yield each row with its normalised number, or the reason for its rejection.

    Rows whose number depends on the whole column come last. Until then they are kept in memory, or in an unnamed
    temporary file if there are many.

    :param rows: the rows, read once.
    :param default_country: see :class:`~airflow_provider_exotel.contacts.normalise.NumberColumn`.
    :param has_country_code: whether every number is known to start with a country code.
    :raises ExotelInputError: if the source cannot be read.
    """
    column = NumberColumn(default_country, has_country_code=has_country_code)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8") as waiting:
        for batch in batches(rows):
            numbers = ["" if row.fault else row.number for row in batch]
            for row, verdict in zip(batch, column.evaluate(numbers), strict=True):
                if isinstance(verdict, Undecided):
                    waiting.write(f"{json.dumps([verdict, row.row, row.number, dict(row.variables)])}\n")
                else:
                    yield row, Reason.RAGGED if row.fault else verdict
        waiting.seek(0)
        for line in waiting:
            undecided, position, number, variables = json.loads(line)
            yield Row(position, number, variables), column.settle(Undecided(*undecided))
