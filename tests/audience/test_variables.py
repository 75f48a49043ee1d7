from __future__ import annotations

import pytest

from airflow_provider_exotel.audience.variables import check_variables

TEXT = "Dear @@Name, your @@Bill of @@Amount_due rupees is due. Thank you, @@Name."


def test_a_text_whose_variables_all_have_columns_is_fine() -> None:
    assert check_variables(TEXT, ["Name", "Bill", "Amount_due"]) == ((), ())


def test_a_text_without_variables_needs_no_columns() -> None:
    assert check_variables("Write to a@example.org", []) == ((), ())


@pytest.mark.parametrize(
    ("text", "names", "field", "said"),
    [
        (TEXT, ["Name", "Bill"], "read_via_text", "says @@Amount_due and no column is named so; add the column"),
        ("Dear @@name", ["Name"], "read_via_text", "upper and lower case count: write @@Name"),
        ("Dear @@ Name", ["Name"], "read_via_text", "holds @@ without a name"),
        ("@@A@@B@@C@@D@@E@@F", list("ABCDEF"), "variables", "holds 6 and a dynamic list takes 5"),
        ("Hello", ["First name"], "variables", "'First name' cannot be a variable; write letters, digits and _ only"),
        ("Hello", ["Name\n"], "variables", "cannot be a variable"),
        ("Hello", [""], "variables", "cannot be a variable"),
        ("Dear @@नाम", ["नाम"], "variables", "cannot be a variable"),
        ("Call @@Number", ["Number"], "variables", "is the column of the phone numbers"),
        ("Dear @@Name", ["Name", "Name"], "variables", "'Name' comes 2 times"),
    ],
)
def test_what_would_be_heard_as_gibberish_is_a_problem(text: str, names: list[str], field: str, said: str) -> None:
    found = [(problem.field, said in problem.message) for problem in check_variables(text, names).problems]

    assert (field, True) in found


def test_a_column_that_is_never_said_is_a_warning() -> None:
    check = check_variables("Dear @@Name", ["Name", "City"])

    assert check.problems == ()
    [warning] = check.warnings
    assert "'City' is in no @@City" in warning.message


def test_all_problems_are_told_at_once() -> None:
    assert len(check_variables("@@a @@ @@b", ["First name", "number"]).problems) == 5
