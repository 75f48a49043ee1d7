"""A campaign's plan as a page, for a task that sends nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_exotel.links import PlanLink, push_link, web_folder

if TYPE_CHECKING:
    from airflow_provider_exotel.create.dry_run import CampaignPlan

log = logging.getLogger(__name__)

PAGE = "plan.html"
PLAN = "plan"
"""The XCom that holds a plan."""


def publish_plan(context: Mapping[str, Any], plan: CampaignPlan, plan_path: Any, folder_url: Any) -> Any:
    """Log a plan in words, and write it as a page if a folder is given.

    :param context: the task's context.
    :param plan: the plan.
    :param plan_path: the folder on any object storage; ``None`` for no page.
    :param folder_url: the web address of that folder; ``None`` for no button.
    :return: the path of the page; without a folder, the plan as plain JSON.
    """
    from airflow_provider_exotel.contacts.files import translate_file_errors
    from airflow_provider_exotel.create.dry_run import log_plan
    from airflow_provider_exotel.create.plan_page import render_page

    log_plan(plan)
    described = plan.as_dict()
    if not plan_path:
        context["ti"].xcom_push(key=PLAN, value={**described, "page": None, "url": None})
        log.info("Nothing was sent. Give plan_path, such as 's3://conn@bucket/plans', to have the plan as a page.")
        return described
    address, path = web_folder(folder_url), f"{str(plan_path).rstrip('/')}/{PAGE}"
    with translate_file_errors(path, "plan_path"):
        page: Any = ObjectStoragePath(path)
        page.fs.makedirs(page.parent.path, exist_ok=True)
    with page.open("wb") as file:
        file.write(render_page(plan).encode())
    url = address and f"{address}/{PAGE}"
    context["ti"].xcom_push(key=PLAN, value={**described, "page": path, "url": url})
    if url:
        push_link(context["ti"], PlanLink, url)
    log.info("Nothing was sent. The plan is at %s", url or path)
    return path
