"""The e-mail about what changed in an inbox, in Russian, as plain text and as HTML."""

from __future__ import annotations

from email.header import Header
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from html import escape

import orjson

from .changes import Item
from .deliveries import Delivery

SHOWN = 100  # of each kind: a longer letter is read by nobody, the inbox has them all


def compose(delivery: Delivery, sender: Address) -> MIMEMultipart:
    """The same letter for every attempt: its Message-ID is that of the delivery, its date when that was made.

    Of the older classes of ``email``: the headers of ``EmailMessage`` lose spaces where a long Russian line is folded
    (https://github.com/python/cpython/issues/92081), on Pythons that are still in use.
    """
    said = orjson.loads(delivery.body)
    letter = MIMEMultipart("alternative", boundary=f"={delivery.id}")
    letter["Subject"] = Header(_subject(said), "utf-8", header_name="Subject").encode()
    letter["From"] = _written(sender)
    letter["To"] = delivery.address
    letter["Date"] = format_datetime(delivery.made_at)
    letter["Message-ID"] = f"<{delivery.id}@{sender.domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.attach(MIMEText(_text(said), "plain", "utf-8"))
    letter.attach(MIMEText(_html(said), "html", "utf-8"))
    return letter


def _written(sender: Address) -> str:
    name = Header(sender.display_name, "utf-8", header_name="From").encode() if sender.display_name else ""
    return f"{name} <{sender.addr_spec}>".strip()


def _subject(said: Item) -> str:
    return f"Вертикаль, {said['organisation']}: {_counts(said)}"


def _counts(said: Item) -> str:
    """
    >>> _counts({"appeared": [{}, {}], "ended": []})
    'ждут решения: новых 2'
    """
    new, ended = len(said["appeared"]), len(said["ended"])
    told = ([f"новых {new}"] if new else []) + ([f"больше не ждут {ended}"] if ended else [])
    return "ждут решения: " + ", ".join(told) if new else ", ".join(told)


def _text(said: Item) -> str:
    lines = [_heading(said), ""]
    for title, items in _parts(said):
        lines += [f"{title}:", ""]
        lines += [f"{number}. {_line(each)}" for number, each in enumerate(items[:SHOWN], 1)]
        lines += [*_rest(items), ""]
    return "\n".join([*lines, FOOTER]) + "\n"


def _html(said: Item) -> str:
    parts = []
    for title, items in _parts(said):
        entries = "".join(f"<li>{escape(_line(each))}</li>" for each in items[:SHOWN])
        rest = "".join(f"<p>{escape(line)}</p>" for line in _rest(items))
        parts.append(f"<h3>{escape(title)}</h3><ol>{entries}</ol>{rest}")
    body = f"<p>{escape(_heading(said))}</p>{''.join(parts)}<p><small>{escape(FOOTER)}</small></p>"
    return f'<!doctype html><html lang="ru"><meta charset="utf-8"><body>{body}</body></html>'


def _heading(said: Item) -> str:
    return f"Входящие организации {said['organisation']} на {said['as_of']}: {_counts(said)}."


def _parts(said: Item) -> list[tuple[str, list[Item]]]:
    both = (("Новые, сначала самые срочные", said["appeared"]), ("Больше не ждут решения", said["ended"]))
    return [(title, items) for title, items in both if items]


def _line(item: Item) -> str:
    """A proposal on one line, whatever its text holds."""
    since = f", с {item['since']}" if item.get("since") else ""
    return " ".join(f"{item['text']} ({item['organisation']}{since})".split())


def _rest(items: list[Item]) -> list[str]:
    return [f"… и ещё {len(items) - SHOWN}: полный список во входящих."] if len(items) > SHOWN else []


FOOTER = "Письмо отправлено автоматически, не чаще одного раза в день. Отменяет подписку администратор Вертикали."
