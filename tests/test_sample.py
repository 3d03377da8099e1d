"""The sample region: every event would be accepted in its order, and the five documented systems keep their figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson
import pytest

from vertikal.contracts.catalogue import CATALOGUE
from vertikal.contracts.contract import Contract
from vertikal.sample import SIZES, Recorded, region

BEFORE_ITS_DATE = ("reporting.expected", "organisation.merged", "organisation.closed")


@pytest.fixture(scope="module")
def sample() -> list[Recorded]:
    return list(region("small"))


def data_of(sample: list[Recorded], type_: str, **wanted: Any) -> Iterator[dict[str, Any]]:
    for each in sample:
        data = each.event["data"]
        if each.event["type"] == type_ and all(data.get(name) == value for name, value in wanted.items()):
            yield data


def written(recorded: Iterable[Recorded]) -> bytes:
    return b"".join(orjson.dumps((each.at, tuple(each.sender), each.event)) for each in recorded)


def contract_of(event: dict[str, Any]) -> Contract:
    return CATALOGUE.newest[event["type"]]


class Register:
    """What the log has named so far, and what is wrong with the next event."""

    def __init__(self) -> None:
        self.named: dict[str, dict[str, str | None]] = defaultdict(dict)
        self.targets: dict[str, list[str]] = {}
        self.parents: dict[str, str | None] = {}
        self.ended: dict[str, str] = {}
        self.identities: set[tuple[str, str]] = set()

    def faults(self, recorded: Recorded) -> Iterator[str]:
        event, contract = recorded.event, contract_of(recorded.event)
        yield from self._misnamed(contract, event["data"])
        if recorded.sender.role not in contract.senders:
            yield f"{recorded.sender} may not send this"
        for code in self._organisations(contract, event):
            if not self._within(code, recorded.sender.organisation, recorded.sender.role):
                yield f"{code} lies outside {recorded.sender.organisation}"
            if not event["type"].startswith("organisation.") and self.ended.get(code, "9") <= contract.fact_date(event):
                yield f"{code} is closed"
        yield from self._misplaced(contract, recorded)

    def take(self, recorded: Recorded) -> None:
        event, data = recorded.event, recorded.event["data"]
        self.identities.add((event["source"], event["id"]))
        for name in contract_of(event).declares:
            for code, _ in name.codes(data):
                self.named[name.kind][code] = data[name.owner] if name.owner else None
        match event["type"]:
            case "organisation.registered" | "organisation.moved":
                self.parents[data["code"]] = data.get("parent")
            case "organisation.closed":
                self.ended[data["code"]] = data["valid_from"]
            case "organisation.merged":
                self.ended |= dict.fromkeys(data["codes"], data["valid_from"])
            case "activity.planned":
                owner = str(self.named["roadmap"][data["roadmap"]])
                self.targets[f"{data['roadmap']}/{data['activity']}"] = data.get("organisations") or [owner]

    def _misnamed(self, contract: Contract, data: dict[str, Any]) -> Iterator[str]:
        for name in contract.refers:
            yield from (
                f"{name.kind} {code} unknown" for code, _ in name.codes(data) if code not in self.named[name.kind]
            )
        for name in contract.declares:
            taken = (code for code, _ in name.codes(data) if name.unique and code in self.named[name.kind])
            yield from (f"{name.kind} {code} exists" for code in taken)

    def _organisations(self, contract: Contract, event: dict[str, Any]) -> Iterator[str]:
        if event["type"] != "organisation.registered":
            yield event["subject"]
            for name in contract.refers:
                if name.kind == "organisation":
                    yield from (code for code, _ in name.codes(event["data"]))

    def _misplaced(self, contract: Contract, recorded: Recorded) -> Iterator[str]:
        """Plans come from the owner or from above, marks concern targets, retractions name what the sender sent."""
        data, sender = recorded.event["data"], recorded.sender
        if contract.of is not None:
            owner = str(self.named[contract.of][data[contract.of]])
            if not self._within(owner, *sender) and not (contract.below and self._within(sender.organisation, owner)):
                yield f"{sender.organisation} does not own {data[contract.of]}"
        if contract.of == "roadmap" and contract.below:
            targets = self.targets[f"{data['roadmap']}/{data['activity']}"]
            if data["organisation"] not in targets:
                yield f"{data['organisation']} is no target"
        sent = (data.get("source"), data.get("id")) in self.identities and data["source"] == recorded.event["source"]
        if contract.type == "event.retracted" and not sent:
            yield "retracts what it has not sent"

    def _within(self, code: str, root: str, role: str = "") -> bool:
        root = str(self.parents[root]) if role == "institute" else root
        above: str | None = code
        while above not in (None, root):
            above = self.parents.get(str(above))
        return above == root


def test_every_event_keeps_its_contract(sample: list[Recorded]) -> None:
    for each in sample:
        assert CATALOGUE.check(each.event)[1] == {}, each.event


def test_every_type_of_the_catalogue_occurs(sample: list[Recorded]) -> None:
    assert {each.event["type"] for each in sample} == set(CATALOGUE.newest)


def test_in_the_order_of_recording_nothing_is_unknown_taken_twice_or_beyond_its_sender(sample: list[Recorded]) -> None:
    register = Register()
    for each in sample:
        assert list(register.faults(each)) == [], each
        register.take(each)


def test_recorded_times_never_decrease(sample: list[Recorded]) -> None:
    times = [each.at for each in sample]
    assert times == sorted(times)


def test_nothing_is_said_before_it_happened_nor_recorded_before_it_was_said(sample: list[Recorded]) -> None:
    for each in sample:
        event = each.event
        assert datetime.fromisoformat(event["time"]) <= each.at
        assert event["type"] in BEFORE_ITS_DATE or contract_of(event).fact_date(event) <= event["time"][:10], event


def test_what_is_recorded_late_and_what_months_late_gives_known_at_a_history(sample: list[Recorded]) -> None:
    lags = [
        (each.at - datetime.fromisoformat(contract_of(each.event).fact_date(each.event) + "T00:00:00+00:00")).days
        for each in sample
        if each.event["type"] == "course.finished"
    ]
    assert sum(lag <= 30 for lag in lags) > len(lags) * 0.6
    assert any(lag > 120 for lag in lags)


def test_source_and_id_are_unique_and_a_source_belongs_to_one_organisation(sample: list[Recorded]) -> None:
    assert len({(each.event["source"], each.event["id"]) for each in sample}) == len(sample)
    owners = {(each.event["source"], each.sender.organisation) for each in sample}
    assert len(owners) == len({source for source, _ in owners}) == len({owner for _, owner in owners})


def test_two_runs_are_identical_to_the_byte(sample: list[Recorded]) -> None:
    assert written(sample) == written(region("small"))


def test_the_promised_number_of_events_comes_out(sample: list[Recorded]) -> None:
    assert len(sample) == SIZES["small"]


def test_senders_come_in_runs(sample: list[Recorded]) -> None:
    assert sum(1 for _ in groupby(sample, key=lambda each: each.sender)) < len(sample) / 10


def test_gorodets_plans_40_activities_in_sections_of_15_10_6_and_9(sample: list[Recorded]) -> None:
    plans = list(data_of(sample, "activity.planned", roadmap="gorodets-rm-2020"))
    assert [len(list(rows)) for _, rows in groupby(plans, key=lambda plan: plan["section"])] == [15, 10, 6, 9]
    assert [plan["number"] for plan in plans].count("2.6") == 2
    year = {"raw": "В течение года", "kind": "plan", "start": "2020-09-01", "end": "2021-08-31"}
    assert year in [plan["timing"] for plan in plans]
    assert sum(plan["timing"]["kind"] == "missing" for plan in plans) == 1


def test_gorodets_has_18_schools_in_models_of_6_6_2_and_4_and_in_one_cohort(sample: list[Recorded]) -> None:
    sizes = Counter(data["cohort"] for data in data_of(sample, "school.included"))
    models = [data["cohort"] for data in data_of(sample, "cohort.defined", owner="gorodets", kind="model")]
    assert [sizes[cohort] for cohort in models] == [6, 6, 2, 4]
    assert sizes["gorodets-shnor"] == 18


def test_gorodets_trained_half_the_heads_three_fifths_of_the_teachers_and_30_people_in_teams(
    sample: list[Recorded],
) -> None:
    practice = [data["school"] for data in data_of(sample, "school.included", cohort="gorodets-practice")]
    courses = [data for data in data_of(sample, "course.finished") if data["finished_on"] < "2021-09-01"]
    people = {(data["role"], data["person"]) for data in courses if data["organisation"] in practice}
    staff = [d for d in data_of(sample, "staff.reported") if d["organisation"] in practice and d["on"] < "2021"]
    trained = Counter(role for role, _ in people)
    assert (trained["manager"], trained["teacher"]) == (6, 54)
    assert (sum(d["managers"] for d in staff), sum(d["teachers"] for d in staff)) == (12, 90)
    team = "Переход школы в эффективный режим: работа школьной команды"
    assert len({data["person"] for data in courses if data["programme"] == team}) == 30


def test_gorodets_signs_six_agreements_and_holds_four_and_six_events(sample: list[Recorded]) -> None:
    agreements = [d for d in data_of(sample, "agreement.signed") if d["agreement"].startswith("gorodets-")]
    held = Counter(
        d["support"].split("-")[1] for d in data_of(sample, "support.provided") if "gorodets-" in d["support"]
    )
    assert len(agreements) == 6
    assert held == {"praktika": 4, "ploshchadka": 6, "opyt": 1}


def test_the_city_marks_seven_items_done_one_partly_and_four_negative(sample: list[Recorded]) -> None:
    roadmap = "alternativa-rm-2020"
    marks = Counter(each.event["type"] for each in sample if each.event["data"].get("roadmap") == roadmap)
    assert marks["activity.planned"] == 12
    assert marks["activity.completed"] == 7
    assert marks["activity.partly_completed"] == 1
    assert marks["activity.not_held"] == 4
    numbers = [data["number"] for data in data_of(sample, "activity.planned", roadmap=roadmap)]
    assert numbers.count("4.") == 2


def test_chemal_reports_numbers_of_people_and_eight_indicators_without_values(sample: list[Recorded]) -> None:
    reported = {d["role"]: d["people"] for d in data_of(sample, "courses.reported", organisation="chemal")}
    diagnosed = [d["people"] for d in data_of(sample, "competence.assessed") if d["organisation"].startswith("chemal-")]
    visits = [d["times"] for d in data_of(sample, "support.provided", kind="visit") if "chemal-" in d["support"]]
    assert reported == {"teacher": 64, "manager": 5}
    assert (len(diagnosed), sum(diagnosed)) == (6, 185)
    assert visits == [5] * 6
    assert len(list(data_of(sample, "indicator.adopted", cycle="chemal-cycle-2020"))) == 8
    assert not list(data_of(sample, "monitoring.recorded", cycle="chemal-cycle-2020"))


def test_tersk_counts_seven_schools_and_claims_what_no_row_supports(sample: list[Recorded]) -> None:
    sizes = Counter(data["cohort"] for data in data_of(sample, "school.included"))
    reported: Counter[str] = Counter()
    for data in data_of(sample, "courses.reported", organisation="tersk"):
        reported[data["role"]] += data["people"]
    claim = next(data_of(sample, "claim.made", claim="tersk-claim-all"))
    assert (sizes["tersk-shnor"], sizes["tersk-500plus"]) == (7, 3)
    assert reported == {"manager": 5, "teacher": 28}
    assert not list(data_of(sample, "activity.planned", roadmap=claim["about"]["roadmap"]))


def test_matveev_kurgan_has_ten_activities_and_no_marks(sample: list[Recorded]) -> None:
    roadmap = "matveev-kurgan-rm-2020"
    types = Counter(each.event["type"] for each in sample if each.event["data"].get("roadmap") == roadmap)
    assert types == {"roadmap.adopted": 1, "activity.planned": 10}
