"""Run the quickstart DAG in a real Airflow against the local Exotel, and watch the campaign dial: ``make demo``."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from local import CONTACTS, LocalAirflow, console, step
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.emulator import Emulator

ZONE = ZoneInfo("Asia/Kolkata")
DAG_ID, REPORT_DAG_ID = "exotel_quickstart", "exotel_report_on_demand"
# The reports stay after the demo, so that you can open them.
REPORTS = Path(__file__).resolve().parent.parent / ".demo"


def main() -> None:
    """Start the emulator, run the DAG, show its campaign, watch it dial to its end, and stop everything."""
    # Everything else is in a temporary folder that is deleted at the end.
    with (
        tempfile.TemporaryDirectory(prefix="exotel-demo-") as folder,
        Emulator(seed=7, speed=900, skip_waiting=True, reports=REPORTS) as emulator,
    ):
        console.print(f"\n[bold]A local Exotel[/] answers at {emulator.url}\n")
        local = LocalAirflow.beside(
            emulator,
            Path(folder),
            AIRFLOW_CONN_EXOTEL_DEFAULT=f"{emulator.connection_uri}?exophone=0XXXXXX4890",
            EXOTEL_DEMO_XCOMS=f"{folder}/xcoms.json",
            EXOTEL_REPORTS=REPORTS.as_uri(),
        )
        with step("Airflow prepares its database"):
            local.commands(["db", "migrate"])
        with step(f"Airflow runs the DAG {DAG_ID}"):
            xcoms = run_dag(local, DAG_ID)
        show_request(emulator)
        show_campaign(xcoms)
        show_outcome(watch(emulator, xcoms["return_value"]))
        with step(f"Airflow runs the DAG {REPORT_DAG_ID}"):
            told = run_dag(local, REPORT_DAG_ID, campaign_ids=xcoms["return_value"])
        show_report(told)


def run_dag(local: LocalAirflow, dag_id: str, **params: str) -> dict[str, Any]:
    """Run a DAG as ``dag.test()`` does, and return the XComs of its task."""
    local.run([sys.executable, __file__, dag_id, json.dumps(params)])
    xcoms: dict[str, Any] = json.loads(Path(local.settings["EXOTEL_DEMO_XCOMS"]).read_text())
    return xcoms


def run_dag_in_this_process(dag_id: str, params: dict[str, str]) -> None:
    """Run a DAG here. This needs a process of its own, since Airflow reads its settings once, when it is imported."""
    run = importlib.import_module(dag_id).dag.test(run_conf=params)
    if run.state != "success":
        raise SystemExit(f"The run ended as {run.state}.")
    [task] = run.get_task_instances()
    keys = ("return_value", "campaign", "report")
    xcoms = {key: task.xcom_pull(task_ids=task.task_id, key=key) for key in keys}
    Path(os.environ["EXOTEL_DEMO_XCOMS"]).write_text(json.dumps(xcoms))


def show_request(emulator: Emulator) -> None:
    """Show the create request, with the count of its numbers instead of the numbers."""
    posted = next(entry for entry in emulator.requests if entry.method == "POST")
    console.print(Panel(json.dumps(posted.shown()["body"], indent=2), title="What was sent: POST campaigns"))


def show_campaign(xcoms: dict[str, Any]) -> None:
    """Show the XComs for downstream tasks, and the window in the time zone of the people called."""
    campaign = xcoms["campaign"]
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("Campaign id (XCom)", f"[bold]{xcoms['return_value']}[/]")
    table.add_row("Contacts", str(campaign["contacts"]))
    for title, name in (("Dials from", "send_at"), ("Dials until", "end_at")):
        moment = datetime.fromisoformat(campaign[name])
        table.add_row(
            title, f"{moment.astimezone(ZONE):%A %d %B %Y, %H:%M:%S} in {ZONE.key}   [dim]{campaign[name]}[/]"
        )
    table.add_row("Page", campaign["url"])
    console.print(table)
    console.print()


def watch(emulator: Emulator, campaign_id: str) -> dict[str, int]:
    """Show the progress of the campaign from the API, and return its final counts."""
    client = ExotelClient(
        emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, requests_per_minute=600
    )
    columns = (TextColumn("{task.description}"), BarColumn(40), TextColumn("{task.completed:.0f} of {task.total:.0f}"))
    with client, Progress(*columns, console=console) as progress:
        done = progress.add_task("waits for its window", total=CONTACTS)
        while True:
            campaign = client.get_campaign(campaign_id)
            stats = campaign.stats
            finished = stats.completed + stats.failed + stats.busy + stats.no_answer
            progress.update(done, completed=finished, description=f"{campaign.status_text:<10}")
            if campaign.status.has_ended:
                return {"calls": sum(1 for _ in client.call_details(campaign_id))} | stats.as_dict()
            time.sleep(0.25)


def show_outcome(counts: dict[str, int]) -> None:
    """Show the final counts."""
    shown = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
    console.print(f"\n[bold green]The campaign has ended:[/] {shown}\n")


def show_report(xcoms: dict[str, Any]) -> None:
    """Show the summary of the report, and the path of its page."""
    told = xcoms["return_value"]
    not_reached = sum(told["not_reached"].values())
    console.print(
        f"\n[bold green]The report:[/] {told['contacts']} contacts = {told['reached']} reached "
        f"+ {not_reached} not reached + {told['never_tried']} never tried; "
        f"{told['outside_window']} calls outside of the window\n{xcoms['report']['page']}\n",
        soft_wrap=True,
    )


if __name__ == "__main__":
    run_dag_in_this_process(sys.argv[1], json.loads(sys.argv[2])) if sys.argv[1:] else main()
