"""The generated municipalities and their schools, under invented names, and what befalls a few of them in 2023."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from . import chemal, city, gorodets, matveev_kurgan, tersk
from .facts import REGION
from .places import FOREVER, Municipality, School
from .scale import SEED, Scale

DOCUMENTED = (gorodets, city, chemal, tersk, matveev_kurgan)
REGION_SCHOOL = School("obr-lyceum", "Лицей-интернат Образцовой области", 60, 40, 4, twos=0.03, sends=True)
FIRST_MUNICIPALITY, FIRST_SCHOOL = 10, 100
REPORTING_ITSELF = (1, 2)  # generated municipalities whose schools never report their staff
CLOSING, MERGING = "2023-09-01", "2023-08-01"
DISTRICTS = (
    ("verkhneluzhsky", "Верхнелужский"),
    ("kamennoklyuchevskoy", "Каменноключевской"),
    ("tikhoozersky", "Тихоозёрский"),
    ("yasnoborsky", "Ясноборский"),
    ("dolgopolyansky", "Долгополянский"),
    ("malorechinsky", "Малоречинский"),
    ("svetlogrivsky", "Светлогривский"),
    ("chernolesensky", "Чернолесенский"),
    ("dubolozhsky", "Дуболожский"),
    ("zarucheyny", "Заручейный"),
    ("lipokrutsky", "Липокрутский"),
    ("gremyacheborsky", "Гремячеборский"),
    ("studenopolsky", "Студенопольский"),
    ("voronovrazhsky", "Вороновражский"),
    ("klenovobrodsky", "Кленовобродский"),
    ("teplogorsky", "Тёплогорский"),
    ("ryabinolugsky", "Рябинолугский"),
    ("staromostovsky", "Старомостовский"),
    ("novootradinsky", "Новоотрадинский"),
    ("ivovozatonsky", "Ивовозатонский"),
    ("polynnogorsky", "Полынногорский"),
    ("mokhovoozersky", "Моховоозёрский"),
    ("brusnichnoyarsky", "Брусничноярский"),
    ("zhuravlinodolsky", "Журавлинодольский"),
    ("krasnoyarovsky", "Краснояровский"),
)
_BEGINNINGS = ("Верхне", "Нижне", "Старо", "Ново", "Мало", "Больше", "Красно", "Светло", "Тихо", "Черно")
_ENDINGS = (
    "ольховка",
    "лужье",
    "бродово",
    "ключевка",
    "полянка",
    "дубровка",
    "ярово",
    "мостовка",
    "липовка",
    "борки",
    "холмье",
    "родниково",
)
VILLAGES = tuple(beginning + ending for ending in _ENDINGS for beginning in _BEGINNINGS)


@dataclass(frozen=True)
class Fates:
    """Schools of one municipality with a turn in their history; the merged and the closed have no later facts."""

    closed: School
    merged: School
    survivor: School
    moved: School


@dataclass(frozen=True)
class Layout:
    """All the organisations of a sample of one size."""

    scale: Scale
    generated: tuple[Municipality, ...]
    fates: Fates

    @property
    def municipalities(self) -> tuple[Municipality, ...]:
        return tuple(module.MUNICIPALITY for module in DOCUMENTED) + self.generated

    def schools(self) -> Iterator[tuple[str, School]]:
        """Every school with the code of its first parent."""
        yield REGION, REGION_SCHOOL
        for municipality in self.municipalities:
            for school in municipality.schools:
                yield municipality.code, school


def lay_out(scale: Scale) -> Layout:
    """The organisations of a size; the last schools of the first generated municipality meet their fates."""
    rng = Random(f"{SEED}/layout")
    generated, number = [], FIRST_SCHOOL
    for place in range(scale.municipalities):
        count = _count(scale, place)
        generated.append(_municipality(rng, scale, place, number, count))
        number += count
    first = generated[0]
    moved, survivor, merged, closed = fated = _fated(first.schools[-4:])
    generated[0] = replace(first, schools=first.schools[:-4] + fated)
    return Layout(scale, tuple(generated), Fates(closed, merged, survivor, moved))


def _count(scale: Scale, place: int) -> int:
    """Districts differ in size by a third around the mean; the last takes what remains."""
    mean = scale.schools // scale.municipalities
    if scale.municipalities <= 3:
        return mean
    swing = (place % 5 - 2) * mean // 6
    rest = scale.schools - mean * scale.municipalities if place == scale.municipalities - 1 else 0
    return mean + swing + rest


def _municipality(rng: Random, scale: Scale, place: int, number: int, count: int) -> Municipality:
    code, adjective = DISTRICTS[place]
    schools = tuple(_school(rng, scale, code, place, n, number + n, count) for n in range(count))
    itself = place in REPORTING_ITSELF
    staff = (sum(s.teachers for s in schools), sum(s.managers for s in schools)) if itself else None
    return Municipality(code, f"{adjective} район", FIRST_MUNICIPALITY + place, schools, staff)


def _school(rng: Random, scale: Scale, district: str, place: int, n: int, number: int, count: int) -> School:
    """The ``n``-th school of a municipality: two of five in the town, two of five with low results.

    Municipalities differ: some send more people to courses, some have weaker results throughout.
    """
    urban = n * 5 < count * 2
    village = VILLAGES[(place * 29 + n * 7) % len(VILLAGES)]
    secondary = urban or n % 3 != 0
    low = n % 20 in (0, 1, 4, 7, 9, 12, 15, 18)
    size = rng.uniform(0.8, 1.6) if urban else rng.uniform(0.4, 0.9)
    return School(
        code=f"{district}-s{n + 1}",
        name=f"Средняя школа № {n + 1}" if urban else f"{'Средняя' if secondary else 'Основная'} школа села {village}",
        number=number,
        teachers=max(8, round(scale.teachers * size)),
        managers=max(2, round(scale.teachers * size / 14)),
        secondary=secondary,
        low=low,
        twos=(rng.uniform(0.26, 0.44) if low else rng.uniform(0.03, 0.2)) + (place * 2 % 5 - 2) * 0.015,
        activity=rng.uniform(0.5, 1.5) * (0.7 + 0.15 * (place * 3 % 5)),
        sends=number % 28 == 22,
    )


def _fated(last: tuple[School, ...]) -> tuple[School, School, School, School]:
    """Moved, survivor, merged, closed: the moved one speaks for itself, since its parent changes."""
    moved, survivor, merged, closed = (replace(school, low=False, sends=False, until=FOREVER) for school in last)
    moved, merged, closed = replace(moved, sends=True), replace(merged, until=MERGING), replace(closed, until=CLOSING)
    return moved, survivor, merged, closed
