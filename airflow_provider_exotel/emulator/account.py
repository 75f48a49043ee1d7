"""One Exotel account in memory: its campaigns and lists, and what each request does to them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import uuid4

from airflow_provider_exotel.emulator import campaigns, validation
from airflow_provider_exotel.emulator.campaigns import INDIA, Call, Campaign, CampaignState
from airflow_provider_exotel.emulator.clock import Clock
from airflow_provider_exotel.emulator.dialling import OUTCOMES, Dialling, Plan, plan
from airflow_provider_exotel.emulator.envelopes import Refusal
from airflow_provider_exotel.emulator.settings import Settings
from airflow_provider_exotel.emulator.timeline import Anchor, instant_at

MOST_PER_PAGE = 500
# Seconds from a create request without send_at to the first call: the page shows such a campaign as Created.
LEAD = 1.0
Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A page of a longer list (Exotel, bulk campaign details)."""

    items: tuple[Item, ...]
    total: int
    offset: int
    limit: int


@dataclass(frozen=True)
class ContactList:
    """A list of contacts (Exotel, create lists)."""

    sid: str
    name: str
    numbers: tuple[str, ...] = field(repr=False)


def folded(word: str) -> str:
    """Return a status or name of one spelling for all its spellings."""
    return word.lower().translate(str.maketrans("", "", "-_ ")).replace("cancelled", "canceled")


class Account:
    """The campaigns and lists of one account. Its methods may be called from any thread.

    :param sid: the account SID.
    :param settings: the switches.
    :param clock: the time.
    :param seed: decides, with each number, how its calls end.
    """

    def __init__(self, sid: str, settings: Settings, clock: Clock, seed: int) -> None:
        self.sid, self.settings, self.clock, self.seed = sid, settings, clock, seed
        self.lists: dict[str, ContactList] = {}
        self._campaigns: dict[str, Campaign] = {}
        self._plans: dict[str, tuple[Dialling, Plan]] = {}
        self._list_reads = 0
        self._lock = threading.RLock()

    def clear(self) -> None:
        """Forget all campaigns and lists."""
        with self._lock:
            for each in (self._campaigns, self._plans, self.lists):
                each.clear()
            self._list_reads = 0

    def add_list(self, sid: str, numbers: Iterable[str], name: str | None = None) -> ContactList:
        """Keep a list of contacts that campaigns can name.

        :param sid: its SID.
        :param numbers: whom it holds.
        :param name: its name; the SID if None.
        :raises ValueError: if the SID is no text or the numbers are no texts.
        """
        if not isinstance(sid, str) or not sid or isinstance(numbers, str):
            raise ValueError("a list has a SID and an array of numbers")
        held = tuple(numbers)
        if not all(isinstance(each, str) for each in held):
            raise ValueError("numbers are texts")
        with self._lock:
            self.lists[sid] = ContactList(sid, name or sid, held)
            return self.lists[sid]

    def states(self) -> list[CampaignState]:
        """Return all campaigns in the order of their creation, deleted ones too."""
        with self._lock:
            return [self._state(each) for each in self._campaigns.values()]

    def state(self, campaign_id: str) -> CampaignState:
        """Return one campaign, even a deleted one.

        :raises KeyError: if there is none of that id.
        """
        with self._lock:
            return self._state(self._campaigns[campaign_id])

    def create(self, body: Any) -> CampaignState:
        """Create a campaign (Exotel, create campaign).

        :param body: the decoded request body.
        :raises Refusal: 400 with the first thing that is wrong.
        """
        with self._lock:
            given, wrapped = validation.campaign_of(body, self.settings.accepts)
            now = self.clock.time()
            order = validation.read_order(given, self._rules(now), wrapped=wrapped)
            campaign = Campaign(
                # Not drawn from the seed: an id must not mean another campaign after a restart.
                id=uuid4().hex,
                name=given.get("name") or f"{self.sid} {datetime.fromtimestamp(now, INDIA):%Y-%m-%d %H:%M:%S}",
                given=order.given,
                dialling=self._dialling(order, now),
                created_at=now,
                updated_at=now,
                anchor=Anchor(self.clock.progress(), now),
                reads_before=self._list_reads,
            )
            self._campaigns[campaign.id] = campaign
            return self._state(campaign, campaign.anchor.progress)

    def get(self, campaign_id: str) -> CampaignState:
        """Return a campaign (Exotel, get campaign details).

        :raises Refusal: 404 if there is none, or none any more.
        """
        with self._lock:
            state = self._find(campaign_id)
            if state.campaign.deleted and self.settings.deleted_get == "404":
                raise Refusal(404, "There is no such campaign")
            return state

    def change(self, campaign_id: str, body: Any) -> CampaignState:
        """Edit a campaign or carry out an action (Exotel, update campaign and update campaign details).

        :param body: the decoded request body.
        :raises Refusal: 404, 400 for a wrong field, or ``wrong_state_status``.
        """
        with self._lock:
            state = self._existing(campaign_id)
            given, wrapped = validation.campaign_of(body, self.settings.accepts)
            changes = {name: value for name, value in given.items() if name != "action"}
            if not given:
                raise Refusal(400, "There is nothing to change")
            if changes:
                state = self._anchored(self._edit(state, changes, wrapped=wrapped), state.instant)
            if "action" in given:
                acted = campaigns.act(state, str(given["action"]), self.settings.wrong_state_status)
                state = self._anchored(acted, state.instant)
            return self._keep(replace(state.campaign, updated_at=self.clock.time()))

    def delete(self, campaign_id: str) -> CampaignState:
        """Delete a campaign that has not started (Exotel, delete campaign).

        :raises Refusal: 404, or ``wrong_state_status`` once it has started.
        """
        with self._lock:
            state = self._existing(campaign_id)
            deleted = campaigns.delete(state, self.settings.wrong_state_status)
            return self._keep(replace(deleted, updated_at=self.clock.time()))

    def select(self, query: Mapping[str, str]) -> Page[CampaignState]:
        """Return a page of campaigns (Exotel, bulk campaign details).

        :param query: ``offset``, ``limit``, ``name``, ``status``, ``sort_by``.
        :raises Refusal: 400 for a parameter that is wrong, 500 if the name filter is set to fail.
        """
        with self._lock:
            found: Iterable[Campaign] = [each for each in self._campaigns.values() if self._listed(each)]
            self._list_reads += 1
            if name := query.get("name"):
                found = self._named(found, name)
            if words := query.get("status"):
                wanted = {folded(word) for word in words.split(",")}
                found = [each for each in found if folded(self._state(each).status) in wanted]
            page = _page(_sorted(found, query.get("sort_by", "date_created:asc")), query)
            return Page(tuple(self._state(each) for each in page.items), page.total, page.offset, page.limit)

    def calls(self, campaign_id: str, query: Mapping[str, str]) -> Page[tuple[CampaignState, Call]]:
        """Return a page of finished calls (Exotel, call details of a single campaign).

        :param query: ``offset``, ``limit``, ``status``, ``sort_by``.
        :raises Refusal: 404 if there is no such campaign, or no call yet and the switch ``no_calls`` says so.
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
        page = _page(ordered, query, self.settings.calls_per_page)
        return Page(tuple((state, state.call(each)) for each in page.items), page.total, page.offset, page.limit)

    def _state(self, campaign: Campaign, progress: float | None = None) -> CampaignState:
        """Return how a campaign stands now, or at some progress; its plan is made when it may first be needed."""
        progress, cost = self.clock.progress() if progress is None else progress, self.clock.waiting_cost()
        start, held = campaign.dialling.start, campaign.paused_since is not None
        if held:
            cost = None
        instant = instant_at(campaign.anchor, progress, [(campaign.anchor.instant, start)], cost)
        if instant < start:
            return campaigns.state_at(campaign, instant, None, self.settings.at_end)
        calls = self._plan(campaign)
        if cost is not None:
            waits = [(min(campaign.anchor.instant, start), start), *calls.idle]
            instant = instant_at(campaign.anchor, progress, waits, cost)
        return campaigns.state_at(campaign, instant, calls, self.settings.at_end)

    def _anchored(self, campaign: Campaign, instant: float) -> CampaignState:
        """Return a changed campaign going on from the instant at which it was changed."""
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
            lists={sid: each.numbers for sid, each in self.lists.items()},
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
        """Return the campaign with other fields: all of them before it starts, callbacks afterwards."""
        campaign, rules = state.campaign, self._rules(self.clock.time())
        given = {**campaign.given, **changes}
        if state.status in {campaigns.CREATED, campaigns.PAUSED} and state.instant < campaign.dialling.start:
            for name, other in (("from", "lists"), ("lists", "from")):
                if name in changes and other not in changes:
                    given.pop(other, None)
            order = validation.read_order(given, rules, wrapped=wrapped or "from" not in changes)
            dialling = self._dialling(order, state.instant)
            # A fast timeline may be ahead of the real time the new send_at was judged by.
            start = max(dialling.start, state.instant)
            dialling = replace(dialling, start=start, pauses=campaign.dialling.pauses)
            return replace(campaign, name=given.get("name") or campaign.name, given=order.given, dialling=dialling)
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

    def _listed(self, campaign: Campaign) -> bool:
        """Return whether a campaign appears in lists by now."""
        settings = self.settings
        return (
            not campaign.deleted
            and self._list_reads - campaign.reads_before >= settings.list_delay_reads
            and self.clock.time() - campaign.created_at >= settings.list_delay_seconds
        )

    def _named(self, found: Iterable[Campaign], name: str) -> list[Campaign]:
        mode = self.settings.name_filter
        if mode == "failing":
            raise Refusal(500, "The name filter failed")
        matches: Mapping[str, Callable[[Campaign], bool]] = {
            "exact": lambda each: each.name == name,
            "substring": lambda each: name in each.name,
            "casefold": lambda each: name.casefold() in each.name.casefold(),
            "ignored": lambda each: True,  # noqa: ARG005
        }
        return [each for each in found if matches[mode](each)]


def _sorted(found: Iterable[Campaign], order: str) -> list[Campaign]:
    keys: Mapping[str, Callable[[Campaign], Any]] = {
        "date_created": lambda each: each.created_at,
        "name": lambda each: each.name,
    }
    key, _, direction = order.partition(":")
    if key not in keys or direction not in {"asc", "desc", ""}:
        raise Refusal(400, "sort_by must be date_created or name, with :asc or :desc")
    ordered = sorted(found, key=keys[key])
    # Reversed as a whole: of campaigns of one instant the one created last is the newest.
    return ordered[::-1] if direction == "desc" else ordered


def _page(found: Sequence[Item], query: Mapping[str, str], most: int = MOST_PER_PAGE) -> Page[Item]:
    offset, limit = _whole(query, "offset", 0, 0), min(_whole(query, "limit", 20, 1), most)
    return Page(tuple(found[offset : offset + limit]), len(found), offset, limit)


def _whole(query: Mapping[str, str], name: str, default: int, lowest: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < lowest:
        raise Refusal(400, f"{name} must be a whole number from {lowest}")
    return min(int(text), math.trunc(1e9))
