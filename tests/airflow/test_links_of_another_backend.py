"""The button of a task on an Airflow with XComs on object storage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_exotel.emulator import Emulator

from ..versions import AIRFLOW

PROGRAM = """
from airflow.utils.db import initdb
from airflow.sdk import DAG
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select
from airflow_provider_exotel import CreateCampaignOperator
import sys
sys.path.insert(0, TESTS)
from tests.airflow.conftest import _make_known

initdb()
with DAG("buttons", schedule=None) as dag:
    CreateCampaignOperator(
        task_id="create", numbers="+919876500000", read_via_text="Hello", schedule={"send_at": "PT1H", "end_at": "PT9H"}
    )
_make_known(dag)
dag.test()
with create_session() as session:
    rows = dict(session.execute(select(XComModel.key, XComModel.value)).all())
print("STORED", rows["campaign_link"], rows["campaign"])
"""


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="the button reads the database from Airflow 3 on; tried on the newest")
def test_the_button_opens_the_address_and_not_a_path_of_the_storage(exotel: Emulator, tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = own | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": (tmp_path / "xcom").as_uri(),
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "0",
        "AIRFLOW_CONN_EXOTEL_DEFAULT": f"{exotel.connection_uri}?exophone=0XXXXXX4890&requests_per_minute=6000",
    }
    program = f"TESTS = {str(Path(__file__).parents[2])!r}\n{PROGRAM}"

    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )

    [stored] = [line for line in ended.stdout.splitlines() if line.startswith("STORED ")] or [ended.stderr[-2_000:]]
    assert f"{exotel.url}/campaigns/{exotel.campaigns[0].id}" in stored.split()[1]
    assert "xcom" in stored.split()[2], "the other XComs go to the storage"
