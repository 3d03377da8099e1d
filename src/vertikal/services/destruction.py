"""The papers on a destruction of personal data: the act and the extract of the log, as DOCX.

What they must say is in the Requirements that Roskomnadzor's order № 179 of 28 October 2022 approved. Whatever the log
does not know (addresses, the commission, paper carriers, copies of keys) is a line to fill in by hand.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

import docx
from docx.document import Document
from docx.shared import Cm, Pt, RGBColor

from . import persons
from .forgetting import REASON_IN_ACT, Destruction

BY_HAND = "_" * 40
COMMISSION = ("Председатель комиссии", "Член комиссии", "Член комиссии")
CATEGORIES = {
    "full_name": "фамилия, имя, отчество",
    "post": "должность",
    "phone": "номер телефона",
    "email": "адрес электронной почты",
}
METHOD = (
    "Безвозвратно удалён ключ шифрования субъекта (AES-256), единственный, которым открываются его персональные "
    "данные. Зашифрованные значения остались в журнале и во всех его копиях; восстановить их содержание нельзя."
)
RULES = (
    "Составлено по Требованиям к подтверждению уничтожения персональных данных "
    "(приказ Роскомнадзора от 28.10.2022 № 179). Хранить три года с даты уничтожения."
)
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # an event may hold them, a paper may not
Rows = list[tuple[str, str]]


def write(told: Destruction, folder: Path) -> list[Path]:
    """Write both papers; what is there of the same act and person is replaced. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", f"{told.act}-{told.person}")
    made = []
    for kind, paper in (("act", act(told)), ("extract", extract(told))):
        made.append(folder / f"{kind}-{name}.docx")
        paper.save(str(made[-1]))
    return made


def act(told: Destruction) -> Document:
    """The act of destruction, for a commission to complete and sign."""
    paper = _paper(told, f"Акт № {told.act} об уничтожении персональных данных")
    reason = BY_HAND if told.reason == REASON_IN_ACT else told.reason
    rows = [
        ("Оператор", told.operator),
        ("Адрес оператора", BY_HAND),
        ("Лицо, обрабатывавшее данные по поручению оператора, и его адрес", BY_HAND),
        *_required(told, reason),
        ("Способ уничтожения", METHOD),
        ("Материальные носители, если были: наименование, число листов", BY_HAND),
        ("Резервные копии таблицы ключей: где были, когда уничтожены", BY_HAND),
        *_entry(told),
    ]
    _table(paper, rows)
    _events(paper, told)
    paper.add_paragraph("Персональные данные уничтожили:").paragraph_format.space_before = Pt(12)
    _grid(paper, ("", "Должность", "Фамилия, имя, отчество", "Подпись"), ((who, "", "", "") for who in COMMISSION))
    _close(paper)
    return paper


def extract(told: Destruction) -> Document:
    """The extract of the log: the entry to the letter, and what proves it."""
    paper = _paper(told, "Выгрузка из журнала регистрации событий в информационной системе персональных данных")
    _table(paper, [("К акту", f"№ {told.act}"), ("Оператор", told.operator), *_required(told, told.reason)])
    paper.add_heading("Запись журнала", 2)
    _table(paper, _entry(told))
    _code(paper, told.forgotten.leaf.decode())
    _events(paper, told)
    paper.add_heading("Подписанная контрольная точка", 2)
    _code(paper, told.note.rstrip("\n"))
    position = told.forgotten.position
    paper.add_paragraph(
        f"Что запись стоит в журнале, подписанном этой контрольной точкой, доказывает vertikal log proof {position}; "
        "проверяет vertikal verify, без доступа к базе."
    )
    _close(paper)
    return paper


def _required(told: Destruction, reason: str) -> Rows:
    """What the Requirements ask of both papers."""
    events = [each.event for each in told.told]
    kinds = [f"{CATEGORIES.get(name, name)} ({name})" for name in persons.categories(events)]
    return [
        ("Субъект персональных данных", f"псевдоним {told.person}; имя системе после уничтожения неизвестно"),
        ("Категории уничтоженных данных", "; ".join(kinds) or "нет"),
        ("Информационная система", f"«Вертикаль», журнал {told.checkpoint.origin}"),
        ("Причина уничтожения", reason),
        ("Дата уничтожения", f"{told.local:%d.%m.%Y}, {told.local:%H:%M:%S} (UTC{told.local.isoformat()[-6:]})"),
    ]


def _entry(told: Destruction) -> Rows:
    event, checkpoint = told.forgotten.event, told.checkpoint
    return [
        ("Запись в журнале", f"позиция {told.forgotten.position}, {event['type']}"),
        ("Источник и идентификатор", f"{event['source']}, {event['id']}"),
        ("Время записи", told.local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
        ("Контрольная точка: размер журнала", str(checkpoint.size)),
        ("Контрольная точка: корень дерева", base64.b64encode(checkpoint.root).decode()),
    ]


def _events(paper: Document, told: Destruction) -> None:
    paper.add_heading("События, персональные данные которых больше не открываются", 2)
    rows = (
        (str(each.position), each.event["id"], each.event["type"], ", ".join(persons.categories([each.event])))
        for each in told.told
    )
    _grid(paper, ("Позиция", "Идентификатор", "Тип", "Категории"), rows)


def _paper(told: Destruction, title: str) -> Document:
    """An empty A4 page; its properties name nobody."""
    paper, title = docx.Document(), _writable(title)
    section, properties = paper.sections[0], paper.core_properties
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin, section.right_margin = Cm(2.5), Cm(1.5)
    section.top_margin = section.bottom_margin = Cm(2)
    paper.styles["Normal"].font.size = Pt(11)
    paper.styles["Normal"].paragraph_format.space_after = Pt(4)
    for level in (1, 2):
        paper.styles[f"Heading {level}"].font.color.rgb = RGBColor(0, 0, 0)
    properties.author, properties.comments, properties.title = "Vertikal", "", title
    properties.created = properties.modified = told.local.astimezone(UTC)
    paper.add_heading(title, 1)
    return paper


def _table(paper: Document, rows: Rows) -> None:
    table = paper.add_table(rows=0, cols=2, style="Table Grid")
    for row in rows:
        cells = table.add_row().cells
        for cell, text, width in zip(cells, row, (Cm(6), Cm(11)), strict=True):
            cell.text, cell.width = _writable(text), width


def _grid(paper: Document, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = paper.add_table(rows=0, cols=len(head), style="Table Grid")
    for texts in (head, *rows):
        for cell, text in zip(table.add_row().cells, texts, strict=True):
            cell.text = _writable(text)


def _code(paper: Document, text: str) -> None:
    run = paper.add_paragraph().add_run(_writable(text))
    run.font.name, run.font.size = "Courier New", Pt(8)


def _writable(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _close(paper: Document) -> None:
    paper.add_paragraph(RULES).paragraph_format.space_before = Pt(12)
