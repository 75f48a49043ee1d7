"""Write the parameter table of docs/operator.md from the docstring of the operator, which is the one reference."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

PAGE = Path(__file__).parent / "operator.md"
_HEAD = "| Parameter | Field of Exotel | Template | Meaning |\n|---|---|---|---|\n"


def parameter_table() -> str:
    """Return the table, in the order of the docstring."""
    from airflow_provider_exotel import CampaignRequest, CreateCampaignOperator

    names = {"flow_id": "url", "numbers_from": "from", "window": "schedule"} | {
        name: field.serialization_alias or name
        for name, field in CampaignRequest.model_fields.items()
        if name != "extra_fields"
    }
    rows = [
        f"| `{name}` | {_field(name, names.get(name))} | {'yes' if name in CreateCampaignOperator.template_fields else 'no'} "
        f"| {_markdown(text)} |"
        for name, text in _parameters(inspect.getdoc(CreateCampaignOperator) or "")
    ]
    return _HEAD + "\n".join(rows) + "\n"


def page_with_table() -> str:
    """Return the page as it should be."""
    before, after = PAGE.read_text().split("## Parameters\n", 1)
    introduction = after.split("\n| Parameter", 1)[0]
    rest = after.split("\n## ", 1)[1]
    return f"{before}## Parameters\n{introduction}\n{parameter_table()}\n## {rest}"


def _parameters(docstring: str) -> list[tuple[str, str]]:
    found = re.findall(r"^:param (\w+): (.*?)(?=^:|\Z)", docstring, flags=re.MULTILINE | re.DOTALL)
    return [(name, " ".join(text.split())) for name, text in found]


def _markdown(text: str) -> str:
    plain = re.sub(r":\w+:`~?[\w.]*?(\w+)`", r"``\1``", text).replace("``", "`").replace("|", "\\|")
    return plain[:1].upper() + plain[1:]


def _field(parameter: str, field: str | None) -> str:
    if field is None:
        return ""
    return "same" if field == parameter else f"`{field}`"


if __name__ == "__main__":
    PAGE.write_text(page_with_table())
