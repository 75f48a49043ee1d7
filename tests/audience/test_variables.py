from __future__ import annotations

import pytest

from airflow_provider_exotel.audience.variables import check_variables

TEXT = "Dear @@Name, your @@Bill of @@Amount_due rupees is due. Thank you, @@Name."


def test_a_text_with_a_column_for_every_variable_is_valid() -> None:
    assert check_variables(TEXT, ["Name", "Bill", "Amount_due"]) == ((), ())


def test_a_text_without_variables_needs_no_columns() -> None:
    assert check_variables("Write to a@example.org", []) == ((), ())


@pytest.mark.parametrize(
    ("text", "names", "field", "said"),
    [
        (TEXT, ["Name", "Bill"], "read_via_text", "contains @@Amount_due, which has no column; add the column"),
        ("Dear @@name", ["Name"], "read_via_text", "names are case-sensitive: write @@Name"),
        ("Dear @@ Name", ["Name"], "read_via_text", "contains @@ without a name"),
        ("@@A@@B@@C@@D@@E@@F", list("ABCDEF"), "variables", "must be at most 5 for a dynamic list (got 6)"),
        ("Hello", ["First name"], "variables", "'First name' is not a valid name; use only letters, digits and _"),
        ("Hello", ["Name\n"], "variables", "is not a valid name"),
        ("Hello", [""], "variables", "is not a valid name"),
        ("Dear @@नाम", ["नाम"], "variables", "is not a valid name"),
        ("Call @@Number", ["Number"], "variables", "is the name of the number column"),
        ("Dear @@Name", ["Name", "Name"], "variables", "'Name' is listed 2 times"),
    ],
)
def test_variables_that_would_be_read_aloud_are_a_problem(text: str, names: list[str], field: str, said: str) -> None:
    found = [(problem.field, said in problem.message) for problem in check_variables(text, names).problems]

    assert (field, True) in found


def test_an_unused_column_is_a_warning() -> None:
    check = check_variables("Dear @@Name", ["Name", "City"])

    assert check.problems == ()
    [warning] = check.warnings
    assert "'City' is not used as @@City" in warning.message


def test_all_problems_are_reported_at_once() -> None:
    assert len(check_variables("@@a @@ @@b", ["First name", "number"]).problems) == 5
