"""One Exotel account in memory: its campaigns and lists, and the effect of each request."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import uuid4

from airflow_provider_exotel.emulator import campaigns, validation
from airflow_provider_exotel.emulator.campaigns import INDIA, WORDS, Call, Campaign, CampaignState
from airflow_provider_exotel.emulator.clock import Clock
from airflow_provider_exotel.emulator.dialling import OUTCOMES, Dialling, Plan, plan
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.lists import ContactList, Lists
from airflow_provider_exotel.emulator.paging import Page, campaign_page, named, page
from airflow_provider_exotel.emulator.settings import Settings
from airflow_provider_exotel.emulator.timeline import Anchor, instant_at

RECORDINGS_KEPT = 90 * 86_400
"""How long a recording is kept, in seconds (Exotel's default)."""
# Seconds from a create request without send_at to the first call: the page shows such a campaign as Created.
LEAD = 1.0
# Required fields of a campaign.
NEVER_RESET = frozenset({"from", "lists", "caller_id"})


def folded(word: str) -> str:
    """Return a status or name in a normalised spelling."""
    return word.lower().translate(str.maketrans("", "", "-_ ")).replace("cancelled", "canceled")


class Account:
    """The campaigns and lists of one account. Its methods may be called from any thread.

    :param sid: the account SID.
    :param settings: the switches.
    :param clock: the clock.
    :param seed: determines, with each number, the outcomes of its calls.
    """

    def __init__(self, sid: str, settings: Settings, clock: Clock, seed: int) -> None:
        self.sid, self.settings, self.clock, self.seed = sid, settings, clock, seed
        self._campaigns: dict[str, Campaign] = {}
        self._plans: dict[str, tuple[Dialling, Plan]] = {}
        self._list_reads = 0
        self._lock = threading.RLock()
        self.lists = Lists(settings, clock, self._lock)

    def clear(self) -> None:
        """Remove all campaigns and lists."""
        with self._lock:
            for each in (self._campaigns, self._plans, self.lists):
                each.clear()
            self._list_reads = 0

    def states(self) -> list[CampaignState]:
        """Return all campaigns in the order of their creation, including deleted ones."""
        with self._lock:
            return [self._state(each) for each in self._campaigns.values()]

    def state(self, campaign_id: str) -> CampaignState:
        """Return one campaign, even a deleted one.

        :raises KeyError: if the id does not exist.
        """
        with self._lock:
            return self._state(self._campaigns[campaign_id])

    def create(self, body: Any) -> CampaignState:
        """Create a campaign (Exotel, create campaign).

        :param body: the decoded request body.
        :raises Refusal: 400 with the first problem.
        """
        with self._lock:
            given, wrapped = validation.campaign_of(body, self.settings.accepts)
            now = self.clock.time()
            order = validation.read_order(given, self._rules(now), wrapped=wrapped)
            campaign = Campaign(
                # Not derived from the seed: an id must not refer to another campaign after a restart.
                id=uuid4().hex,
                name=given.get("name") or f"{self.sid} {datetime.fromtimestamp(now, INDIA):%Y-%m-%d %H:%M:%S}",
                given=order.given,
                dialling=self._dialling(order, now),
                created_at=now,
                updated_at=now,
                anchor=Anchor(self.clock.progress(), now),
                reads_before=self._list_reads,
                awaiting=self.lists.busy(order.given.get("lists", ())),
            )
            self._campaigns[campaign.id] = campaign
            return self._state(campaign, campaign.anchor.progress)

    def get(self, campaign_id: str) -> CampaignState:
        """Return a campaign (Exotel, get campaign details).

        :raises Refusal: 404 if it does not exist or was deleted.
        """
        with self._lock:
            state = self._find(campaign_id)
            if state.campaign.deleted and self.settings.deleted_get == "404":
                raise Refusal(404, "There is no such campaign")
            return state

    def change(self, campaign_id: str, body: Any) -> CampaignState:
        """Edit a campaign or run an action (Exotel, update campaign and update campaign details).

        :param body: the decoded request body.
        :raises Refusal: 404, 400 for a wrong field, or ``wrong_state_status``.
        """
        with self._lock:
            state = self._existing(campaign_id)
            given, wrapped = validation.campaign_of(body, self.settings.accepts)
            changes = {name: value for name, value in given.items() if name != "action"}
            if not given:
                raise Refusal(400, "There is nothing to change")
            if changes and self.settings.edits != "ignore":
                state = self._anchored(self._edit(state, changes, wrapped=wrapped), state.instant)
            if "action" in given:
                settings = self.settings
                acted = campaigns.act(
                    state, str(given["action"]), settings.wrong_state_status, settings.resume_before_start
                )
                state = self._anchored(acted, state.instant)
            return self._keep(replace(state.campaign, updated_at=self.clock.time()))

    def delete(self, campaign_id: str) -> CampaignState:
        """Delete a campaign that has not started (Exotel, delete campaign).

        :raises Refusal: 404, or ``wrong_state_status`` once it has started.
        """
        with self._lock:
            state = self._existing(campaign_id)
            deleted = campaigns.delete(state, self.settings.wrong_state_status, self.settings.deletes)
            return self._keep(replace(deleted, updated_at=self.clock.time()))

    def select(self, query: Mapping[str, str]) -> Page[CampaignState]:
        """Return a page of campaigns (Exotel, bulk campaign details).

        :param query: ``offset``, ``limit``, ``name``, ``status``, ``sort_by``.
        :raises Refusal: 400 for an invalid parameter, 500 if the name filter is set to fail.
        """
        with self._lock:
            found: Iterable[Campaign] = [each for each in self._campaigns.values() if self._listed(each)]
            self._list_reads += 1
            if name := query.get("name"):
                found = named(found, name, self.settings.name_filter)
            if words := query.get("status"):
                found = [each for each in found if self._has_status(each, words.split(","))]
            shown = campaign_page(found, query, self.settings)
            return Page(tuple(self._state(each) for each in shown.items), shown.total, shown.offset, shown.limit)

    def calls(self, campaign_id: str, query: Mapping[str, str]) -> Page[tuple[CampaignState, Call]]:
        """Return a page of finished calls (Exotel, call details of a single campaign).

        :param query: ``offset``, ``limit``, ``status``, ``sort_by``.
        :raises Refusal: 404 if the campaign does not exist, or has no calls and the switch ``no_calls`` is ``404``.
        """
        with self._lock:
            state = self._existing(campaign_id)
        found = state.finished()
        if not found and self.settings.no_calls == "404":
            raise Refusal(404, "There are no calls yet")
        if words := query.get("status"):
            if unknown := set(words.split(",")) - set(OUTCOMES):
                raise Refusal(400, f"status cannot be {sorted(unknown)[0][:40]!r}")
            found = state.finished(words.split(","))
        ordered = found[::-1] if query.get("sort_by", "").endswith(":desc") else found
        shown = page(ordered, query, self.settings.calls_per_page)
        return Page(tuple((state, state.call(each)) for each in shown.items), shown.total, shown.offset, shown.limit)

    def recording(self, call_sid: str) -> bytes | None:
        """Return the recording of an answered call, or ``None`` if there is none; they are kept for 90 days.

        :param call_sid: the call.
        """
        for state in self.states():
            for call in state.calls:
                if call.call_sid == call_sid and call.status == "completed":
                    age = self.clock.time() - call.ended.timestamp()
                    return b"ID3" + call_sid.encode() * call.duration if age < RECORDINGS_KEPT else None
        return None

    def delete_list(self, sid: str) -> ContactList:
        """Delete a list that no campaign uses (Exotel, delete a list).

        :param sid: its SID.
        :raises Refusal: 404, or ``wrong_state_status`` while a campaign that is in progress or paused uses it.
        """
        with self._lock:
            for state in self.states():
                if sid in state.campaign.lists and state.status in {campaigns.IN_PROGRESS, campaigns.PAUSED}:
                    raise Refusal(self.settings.wrong_state_status, "A campaign is using the list")
            return self.lists.delete(sid)

    def _state(self, campaign: Campaign, progress: float | None = None) -> CampaignState:
        """Return the state of a campaign now or at a progress; its plan is computed when first needed."""
        progress, cost = self.clock.progress() if progress is None else progress, self.clock.waiting_cost()
        campaign = self._filled(campaign)
        start, held = campaign.dialling.start, campaign.paused_since is not None
        if held:
            cost = None
        instant = instant_at(campaign.anchor, progress, [(campaign.anchor.instant, start)], cost)
        if instant < start or campaign.awaiting:
            return campaigns.state_at(campaign, instant, None, self.settings.at_end)
        calls = self._plan(campaign)
        if cost is not None:
            waits = [(min(campaign.anchor.instant, start), start), *calls.idle]
            instant = instant_at(campaign.anchor, progress, waits, cost)
        return campaigns.state_at(campaign, instant, calls, self.settings.at_end)

    def _filled(self, campaign: Campaign) -> Campaign:
        """Return a campaign with the numbers of its lists, once they are imported; it dials from that time on."""
        if not campaign.awaiting or self.lists.busy(campaign.lists):
            return campaign
        anchor, dialling = campaign.anchor, campaign.dialling
        progress = max(anchor.progress, self.lists.idle_since(campaign.lists))
        waits = [(anchor.instant, dialling.start)]
        cost = None if campaign.paused_since is not None else self.clock.waiting_cost()
        instant = instant_at(anchor, progress, waits, cost)
        held = self.lists.numbers()
        numbers = validation.called(campaign.given, chain.from_iterable(held.get(sid, ()) for sid in campaign.lists))
        filled = replace(
            campaign,
            awaiting=False,
            anchor=Anchor(progress, instant),
            dialling=replace(dialling, numbers=numbers, start=max(dialling.start, instant)),
        )
        if self._campaigns.get(campaign.id) is campaign:
            self._campaigns[campaign.id] = filled
        return filled

    def _anchored(self, campaign: Campaign, instant: float) -> CampaignState:
        """Return a changed campaign that continues from the time of the change."""
        return self._state(replace(campaign, anchor=Anchor(self.clock.progress(), instant)))

    def _plan(self, campaign: Campaign) -> Plan:
        known = self._plans.get(campaign.id)
        if known is None or known[0] is not campaign.dialling:
            known = self._plans[campaign.id] = (campaign.dialling, plan(campaign.dialling))
        return known[1]

    def _keep(self, campaign: Campaign) -> CampaignState:
        self._campaigns[campaign.id] = campaign
        return self._state(campaign)

    def _find(self, campaign_id: str) -> CampaignState:
        if campaign_id not in self._campaigns:
            raise Refusal(404, "There is no such campaign")
        return self._state(self._campaigns[campaign_id])

    def _existing(self, campaign_id: str) -> CampaignState:
        state = self._find(campaign_id)
        if state.campaign.deleted:
            raise Refusal(404, "There is no such campaign")
        return state

    def _rules(self, now: float) -> validation.Rules:
        return validation.Rules(
            now=now,
            account_throttle=self.settings.account_throttle,
            lists=self.lists.numbers(),
            refuse_unknown=self.settings.unknown_keys == "refuse",
        )

    def _dialling(self, order: validation.CampaignOrder, now: float) -> Dialling:
        start = now + LEAD if order.send_at is None else order.send_at
        return Dialling(
            numbers=order.numbers,
            start=start,
            end=start + campaigns.DEFAULT_LIFE if order.end_at is None else order.end_at,
            calls_per_minute=order.throttle or self.settings.account_throttle,
            retries=order.retries,
            weights=tuple(self.settings.outcomes.get(word, 0.0) for word in OUTCOMES),
            seed=self.seed,
        )

    def _edit(self, state: CampaignState, changes: Mapping[str, Any], *, wrapped: bool) -> Campaign:
        """Return the campaign with changed fields: any before it starts, only callbacks afterwards."""
        campaign, rules = state.campaign, self._rules(self.clock.time())
        given = {**campaign.given, **changes}
        if self.settings.edits == "replace":
            given = {name: value for name, value in given.items() if name in changes or name in NEVER_RESET}
        if state.status in {campaigns.CREATED, campaigns.PAUSED} and state.instant < campaign.dialling.start:
            for name, other in (("from", "lists"), ("lists", "from")):
                if name in changes and other not in changes:
                    given.pop(other, None)
            order = validation.read_order(given, rules, wrapped=wrapped or "from" not in changes)
            dialling = self._dialling(order, state.instant)
            # A fast timeline may be ahead of the real time by which the new send_at was validated.
            start = max(dialling.start, state.instant)
            dialling = replace(dialling, start=start, pauses=campaign.dialling.pauses)
            return replace(
                campaign,
                name=given.get("name") or campaign.name,
                given=order.given,
                dialling=dialling,
                awaiting=self.lists.busy(order.given.get("lists", ())),
            )
        validation.check_fields(changes, rules)
        extends = self.settings.schedule_editable_when_paused and state.status == campaigns.PAUSED
        forbidden = sorted(set(changes) - set(validation.CALLBACKS) - ({"schedule"} if extends else set()))
        if forbidden:
            raise Refusal(
                self.settings.wrong_state_status, f"{forbidden[0]} cannot be changed when it is {state.status}"
            )
        campaign = replace(campaign, given=given)
        end_at = validation.seconds((changes.get("schedule") or {}).get("end_at"))
        if end_at is None:
            return campaign
        if end_at <= state.instant:
            raise Refusal(400, "schedule.end_at lies in the past")
        return campaigns.reschedule(replace(state, campaign=campaign), end_at)

    def _has_status(self, campaign: Campaign, words: Sequence[str]) -> bool:
        """Return whether a campaign matches the status filter of the list."""
        status, mode = self._state(campaign).status, self.settings.status_filter
        if mode == "any":
            return folded(status) in map(folded, words)
        return mode == "ignored" or (WORDS[status] if mode == "title" else status) in words

    def _listed(self, campaign: Campaign) -> bool:
        """Return whether a campaign appears in lists already."""
        settings = self.settings
        return (
            (settings.list_deleted or not campaign.deleted)
            and self._list_reads - campaign.reads_before >= settings.list_delay_reads
            and self.clock.time() - campaign.created_at >= settings.list_delay_seconds
        )
