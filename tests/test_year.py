"""A year of a region: eight organisations lead their cycles over HTTP, and every link is broken once and mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import Vertikal
from tests.terminal import Terminal
from vertikal.services import projector
from vertikal.services.access import Party
from vertikal.services.web.app import create_app

YEAR = {"start": "2020-09-01", "end": "2021-08-31"}
SCHOOLS = {"a1": "ma", "a2": "ma", "a3": "ma", "b1": "mb", "b2": "mb"}
PARTIES = {
    "obr": Party("obr", "region"),
    "ma": Party("ma", "municipality"),
    "mb": Party("mb", "municipality"),
    **{code: Party(code, "school") for code in SCHOOLS},
}
COMPONENTS = ["goals", "indicators", "methods", "monitoring", "analysis", "recommendations", "measures", "decisions",
              "effectiveness"]  # fmt: skip
END = "2021-08-31"


@dataclass
class Year:
    """What was said of each organisation's cycle: the id of the event of each step."""

    vertical: Vertikal
    client: FlaskClient
    said: dict[str, dict[str, str]] = field(default_factory=dict)

    def at(self, day: str) -> None:
        self.vertical.clock.time = datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=UTC)

    def post(self, of: str, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """The event that a command wrote."""
        answered: Any = self.client.post(f"/v1/{path}", headers=self._header(of), json=data)
        assert answered.status_code == 201, answered.json
        projector.catch_up(self.vertical.engine)
        event: dict[str, Any] = answered.json["event"]
        return event

    def get(self, of: str, path: str, **query: Any) -> dict[str, Any]:
        answered: Any = self.client.get(f"/v1/{path}", headers=self._header(of), query_string={"as_of": END, **query})
        assert answered.status_code == 200, answered.json
        body: dict[str, Any] = answered.json
        return body

    def tell(self, of: str, step: str, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """A step of an organisation's cycle, whose event can be taken back later."""
        event = self.post(of, path, data)
        self.said.setdefault(of, {})[step] = event["id"]
        return event

    def retract(self, of: str, event_id: str, source: str | None = None) -> str:
        data = {"source": source or f"/vertikal/{of}", "id": event_id, "reason": "проверка"}
        self.vertical.send("event.retracted", "obr", data)
        return f"e{self.vertical._ids}"

    def broken(self, of: str) -> set[tuple[str, str]]:
        """The broken links of an organisation's cycle: component and code."""
        return {(each["kind"], each["code"]) for each in self.get(of, f"cycles/{of}-cycle")["broken"]}

    def _header(self, of: str) -> dict[str, str]:
        party = PARTIES[of]
        return {"Authorization": f"Bearer {self.vertical.token(party.organisation, party.role)}"}


def goals(year: Year, of: str) -> None:
    """September: the cycle is opened, with a goal, an indicator of the catalogue and one of its own."""
    cycle = f"{of}-cycle"
    year.tell(of, "opening", "cycles", {"cycle": cycle, "organisation": of, "direction": "Поддержка ШНОР",
                                        "period": YEAR})  # fmt: skip
    year.tell(of, "goal", f"cycles/{cycle}/goals", {"goal": "g1", "text": "Снизить долю ниже минимума"})
    target = {"value": "0.30", "comparator": "<=", "by": "2021-05-31"}
    adopted = {"goal": "g1", "method": "Загрузка результатов", "target": target}
    year.tell(of, "indicator", f"cycles/{cycle}/indicators", {**adopted, "indicator": "below_minimum"})
    own = {"goal": "g1", "indicator": "visits", "method": "Карты посещений"}
    year.tell(of, "own indicator", f"cycles/{cycle}/indicators", own)


def monitor(year: Year, of: str) -> None:
    """December: what is watched of the cycle's own indicator."""
    data = {"indicator": "visits", "organisation": of, "on": "2020-12-10", "numerator": 3, "denominator": 4,
            "origin": "Карты"}  # fmt: skip
    year.tell(of, "monitoring", f"cycles/{of}-cycle/monitoring", data)


def analyse(year: Year, of: str) -> str:
    """April: the draft is published as it is; the code of its first finding with a figure."""
    drafted = year.get(of, f"cycles/{of}-cycle/draft", as_of="2021-04-20")["analysis"]
    year.tell(of, "analysis", f"cycles/{of}-cycle/analyses", drafted)
    return str(next(each["finding"] for each in drafted["findings"] if each["figures"]))


def recommend(year: Year, of: str, finding: str, addressees: list[str]) -> str:
    data = {"recommendation": f"{of}-r", "finding": finding, "addressees": addressees, "text": "Обучить учителей"}
    year.tell(of, "recommendation", f"cycles/{of}-cycle/recommendations", data)
    return f"{of}-r"


def decide(year: Year, of: str, recommendation: str) -> None:
    """May: a road map with one activity, and a decision that names it."""
    roadmap = {"roadmap": f"{of}-rm", "owner": of, "title": "План мер", "period": YEAR}
    activity = {"roadmap": f"{of}-rm", "activity": "a1"}
    timing = {"raw": "до 31.05.2021", "kind": "deadline", "end": "2021-05-31"}
    plan = {**activity, "number": "1", "title": "Семинар", "timing": timing, "responsible": ["Школа"]}
    party, time = PARTIES[of], "2021-05-03T10:00:00+03:00"
    for type_, data in (("roadmap.adopted", roadmap), ("activity.planned", plan)):
        year.vertical.send(type_, of, data, party=party, time=time, source=f"/systems/{of}")
    year.said[of]["plan"] = f"e{year.vertical._ids}"
    act = {"number": "17", "date": "2021-05-04"}
    data = {"decision": "d1", "recommendations": [recommendation], "act": act, "text": "Провести семинар"}
    year.tell(of, "decision", f"cycles/{of}-cycle/decisions", {**data, "activities": [activity]})


def do_and_assess(year: Year, of: str) -> None:
    """June: the activity is done, and what came of it is assessed."""
    activity = {"roadmap": f"{of}-rm", "activity": "a1"}
    done = {**activity, "organisation": of, "completed_on": "2021-05-20"}
    year.vertical.send("activity.completed", of, done, party=PARTIES[of], source=f"/systems/{of}")
    data = {"effectiveness": "ef1", "activities": [activity], "outcome": "partly", "text": "Доля снизилась не везде"}
    year.tell(of, "effectiveness", f"cycles/{of}-cycle/effectiveness", data)


def close(year: Year, of: str) -> None:
    """August: the cycle is closed, and the next one opened."""
    period = {"start": "2021-09-01", "end": "2022-08-31"}
    year.tell(of, "next", "cycles", {"cycle": f"{of}-next", "organisation": of, "direction": "Поддержка ШНОР",
                                     "period": period})  # fmt: skip
    year.tell(of, "closing", f"cycles/{of}-cycle/closing", {"next": f"{of}-next"})


def results(year: Year) -> None:
    """Two years of results: they have become worse in every school."""
    for number, school in enumerate(SCHOOLS):
        for of, on, below in (("2019/2020", "2020-04-10", 4), ("2020/2021", "2021-04-10", 9 + number)):
            data = {"school": school, "procedure": "vpr", "subject": "math", "grade": 5, "year": of, "held_on": on}
            time = f"{on}T10:00:00+03:00"
            more = {"participants": 25, "below_minimum": below}
            year.vertical.send("assessment.imported", school, {**data, **more}, time=time)


@pytest.fixture
def year(store: Vertikal) -> Year:
    """The whole year of one region, two municipalities and five schools."""
    store.register("obr", "region")
    for code, parent in ({"ma": "obr", "mb": "obr"} | SCHOOLS).items():
        store.register(code, "school" if code in SCHOOLS else "municipality", parent)
    played = Year(store, create_app(store.settings, store.engine, store.clock).test_client())
    played.at("2020-09-07")
    for of in PARTIES:
        goals(played, of)
    played.at("2020-12-10")
    for of in PARTIES:
        monitor(played, of)
    played.at("2021-04-20")
    results(played)
    findings = {of: analyse(played, of) for of in PARTIES}
    recommend(played, "obr", findings["obr"], ["ma", "mb", *SCHOOLS])
    for of in PARTIES:
        if of != "obr":
            recommend(played, of, findings[of], [of])
    played.at("2021-05-04")
    for of in PARTIES:
        if of != "obr":
            answer = {"organisation": of, "answer": "accepted"}
            played.tell(of, "answer to the region", "recommendations/obr-r/answers", answer)
            played.tell(of, "answer", f"recommendations/{of}-r/answers", answer)
        decide(played, of, "obr-r" if of in ("obr", "a1") else f"{of}-r")
    played.at("2021-06-10")
    for of in PARTIES:
        do_and_assess(played, of)
    return played


def test_the_year_goes_through_all_nine_components_and_into_the_next_cycle(year: Year) -> None:
    for of in PARTIES:
        cycle = year.get("obr", f"cycles/{of}-cycle")
        assert [each["component"] for each in cycle["components"] if each["complete"]] == COMPONENTS, of
        assert (cycle["broken"], cycle["kind"]) == ([], "full")
    eight = {"cycle_completeness": (72, 72), "recommendations_answered": (14, 14), "decisions_executed": (8, 8)}
    assert {code: year.vertical.figure(code, "obr", as_of=END) for code in eight} == eight
    assert year.vertical.figure("cycle_completeness", "ma", as_of=END) == (36, 36)
    year.at("2021-08-30")
    for of in PARTIES:
        close(year, of)
    began = year.get("ma", "cycles/ma-next", as_of="2021-09-10")
    assert began["previous"]["cycle"] == "ma-cycle"
    assert (began["previous"]["effectiveness"]["outcome"], began["previous"]["effectiveness"]["sound"]) == (
        "partly",
        True,
    )
    assert year.vertical.figure("cycle_completeness", "obr", as_of="2021-09-10") == (0, 72)


@pytest.mark.parametrize("of", ["obr", "ma", "a1"])
def test_each_link_is_named_when_it_breaks_and_whole_again_when_it_is_mended(year: Year, of: str) -> None:
    others = {each: year.said[each] for each in (of, "obr")}
    breaking = {
        "goal": {("indicators", "below_minimum"), ("indicators", "visits"), ("monitoring", "visits")},
        "own indicator": {("monitoring", "visits")},
        "analysis": {("recommendations", f"{of}-r")},
        "recommendation": {("decisions", "d1"), ("measures", f"{of}-rm/a1"), ("effectiveness", "ef1")},
        "plan": {("decisions", "d1"), ("measures", f"{of}-rm/a1"), ("effectiveness", "ef1")},
        "decision": {("effectiveness", "ef1")},
    }
    for step, expected in breaking.items():
        whose = "obr" if of == "a1" and step == "recommendation" else of
        source = f"/systems/{of}" if step == "plan" else f"/vertikal/{whose}"
        undone = year.retract(whose, others[whose][step], source)
        found = year.broken(of)
        assert expected <= found, (step, found)
        awaiting = year.get(of, "inbox", organisation=of, own="true", rule="chain_broken")["items"]
        named = {(each["about"]["component"], each["about"]["code"]) for each in awaiting}
        assert named == found, step
        assert year.vertical.figure("cycle_completeness", of, as_of=END)[0] < {"obr": 72, "ma": 36, "a1": 9}[of]
        year.retract("obr", undone, "/regions/obr")
        assert year.broken(of) == set(), step


def test_a_correction_after_publication_leaves_the_finding_and_shows_then_and_now(year: Year) -> None:
    before = year.get("ma", "cycles/ma-cycle")["findings"]
    corrected = {"school": "a1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021",
                 "participants": 25, "below_minimum": 1, "reason": "appeal"}  # fmt: skip
    year.vertical.send("assessment.corrected", "a1", corrected)
    after = year.get("ma", "cycles/ma-cycle")["findings"]
    assert not any(figure["changed"] for finding in before for figure in finding["figures"])
    changed = [figure for finding in after for figure in finding["figures"] if figure["changed"]]
    assert changed
    assert all(figure["then"] != figure["now"] for figure in changed)
    assert [each["text"] for each in before] == [each["text"] for each in after]


def test_who_knew_recommended_and_decided_what_is_read_from_one_command(year: Year, terminal: Terminal) -> None:
    shown = terminal.run("replay", "--cycle", "ma-cycle").stdout
    lines = [line for line in shown.splitlines() if "·" in line]
    order = ["открывает управленческий цикл", "публикует анализ", "даёт рекомендацию", "отвечает на рекомендацию",
             "планирует мероприятие", "принимает решение", "отмечает мероприятие", "оценивает меры"]  # fmt: skip
    places = [next(number for number, line in enumerate(lines) if words in line) for words in order]
    assert places == sorted(places)
    assert "below_minimum · ma · 2020/2021 · на 2021-04-20, известно на позицию 59: 30 / 75" in shown
    told = terminal.run("replay", "--cycle", "ma-cycle", "--format", "ndjson").stdout
    assert all(event_id in told for step, event_id in year.said["ma"].items() if step != "answer to the region")
