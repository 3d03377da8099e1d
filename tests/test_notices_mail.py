"""Letters: one a day, readable in Russian, the same again when repeated; addresses, settings and TLS of notices."""

from __future__ import annotations

import datetime as dates
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conftest import MASTER, Vertikal
from tests.receivers import Mailbox, mailbox, receiver
from tests.terminal import Terminal
from tests.test_notices import Office, item
from vertikal.events.database import writing
from vertikal.services.notices import addresses, deliveries, mail, subscriptions
from vertikal.services.notices.digest import SHOWN
from vertikal.services.notices.mail import Mail
from vertikal.services.settings import BadSetting, read_settings

ADDRESS = "priemnaya@gorodets.example"
SENDER = "Вертикаль <no-reply@obr.example>"


def server(url: str) -> Mail:
    found = mail.read(read_settings({"VERTIKAL_SMTP_URL": url, "VERTIKAL_MAIL_FROM": SENDER}))
    assert found is not None
    return found


def subscribe(office: Office, address: str = ADDRESS) -> int:
    with writing(office.store.engine) as connection:
        return subscriptions.subscribe_email(connection, "gorodets", address, office.now)


def part(letter: EmailMessage, kind: str) -> str:
    found = letter.get_body((kind,))
    assert found is not None
    return str(found.get_content())


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as found:
        yield found


@pytest.fixture
def office(vertical: Vertikal, box: Mailbox) -> Office:
    made = Office(vertical, [item("p1", 10), item("p2", 90)], mail=server(f"smtp://127.0.0.1:{box.port}"))
    subscribe(made)
    return made


# The letter


def test_a_letter_counts_in_its_subject_and_lists_the_most_urgent_first(office: Office, box: Mailbox) -> None:
    assert office.step() == {"made": 1, "delivered": 1}
    (letter,) = box.letters
    assert letter["Subject"] == "Вертикаль, gorodets: ждут решения: новых 2"
    assert (letter["To"], letter["From"]) == (ADDRESS, SENDER)
    assert letter["Auto-Submitted"] == "auto-generated"
    text = part(letter, "plain")
    assert "на 2020-09-01" in text
    assert text.index("1. просрочено: «p2» (s1, с 2020-08-20)") < text.index("2. просрочено: «p1»")
    assert "<li>просрочено: «p2» (s1, с 2020-08-20)</li>" in part(letter, "html")


def test_a_letter_says_what_ended(office: Office, box: Mailbox) -> None:
    office.step()
    office.later(days=1)
    office.items = [item("p2", 90), item("p3", 5)]
    office.step()
    letter = box.letters[1]
    assert letter["Subject"] == "Вертикаль, gorodets: ждут решения: новых 1, больше не ждут 1"
    assert "Больше не ждут решения:\n\n1. просрочено: «p1» (s1)" in part(letter, "plain").replace("\r\n", "\n")
    office.later(days=1)
    office.items = [item("p2", 90)]
    office.step()
    assert box.letters[2]["Subject"] == "Вертикаль, gorodets: больше не ждут 1"


def test_long_russian_headers_arrive_to_the_letter(office: Office, box: Mailbox) -> None:
    """With ``EmailMessage`` they would not, on Python 3.11."""
    sender = "Министерство образования и науки области <no-reply@obr.example>"
    environment = {"VERTIKAL_SMTP_URL": f"smtp://127.0.0.1:{box.port}", "VERTIKAL_MAIL_FROM": sender}
    office.mail = mail.read(read_settings(environment))
    office.step()
    office.items = []
    office.step(digests_now=True)
    read = message_from_bytes(box.raw[1])  # the newer reader puts spaces into long names, on Python 3.11
    assert str(make_header(decode_header(read["From"]))) == sender
    assert str(make_header(decode_header(read["Subject"]))) == "Вертикаль, gorodets: больше не ждут 2"
    assert all(len(line) <= 78 for raw in box.raw for line in raw.split(b"\r\n"))


def test_what_texts_hold_is_escaped_in_html_and_stays_on_one_line(office: Office, box: Mailbox) -> None:
    office.items = [item("p1", text='<script>alert("x")</script>\nBcc: все & «сразу»', organisation="<b>")]
    office.step()
    (letter,) = box.letters
    assert "<script>" not in part(letter, "html")
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; Bcc: все &amp; «сразу» (&lt;b&gt;" in part(letter, "html")
    assert '1. <script>alert("x")</script> Bcc: все & «сразу»' in part(letter, "plain")  # the control: it came
    assert letter["Bcc"] is None


def test_a_long_list_is_cut_and_says_how_much_is_left(office: Office, box: Mailbox) -> None:
    office.items = [item(f"p{number}") for number in range(SHOWN + 3)]
    office.step()
    text = part(box.letters[0], "plain")
    assert f"{SHOWN}. " in text
    assert f"{SHOWN + 1}. " not in text
    assert "… и ещё 3:" in text


# When


def test_there_is_one_letter_a_day(office: Office, box: Mailbox) -> None:
    office.step()
    office.items.append(item("p3"))
    office.later(hours=11)
    assert office.step() == {}
    office.now = datetime(2020, 9, 2, 3, 59, tzinfo=UTC)  # a minute to seven in Moscow
    assert office.step() == {}
    office.later(minutes=1)
    assert office.step() == {"made": 1, "delivered": 1}
    assert [letter["Subject"][-1] for letter in box.letters] == ["2", "1"]


def test_but_as_many_as_are_asked_for(office: Office, box: Mailbox) -> None:
    office.step()
    office.items.append(item("p3"))
    assert office.step(digests_now=True) == {"made": 1, "delivered": 1}
    assert office.step(digests_now=True) == {}
    assert len(box.letters) == 2


def test_a_letter_that_was_refused_comes_later_and_once_under_its_message_id(office: Office, box: Mailbox) -> None:
    box.answer = "451 later"
    assert office.step() == {"made": 1, "failed": 1}
    assert office.log()[0]["last_error"] == "SMTP 451: later"
    box.answer = "250 OK"
    office.later(minutes=1)
    assert office.step() == {"delivered": 1}
    office.later(minutes=10)
    assert office.step() == {}
    (letter,) = box.letters
    assert letter["Message-ID"] == f"<{office.log()[0]['id']}@obr.example>"
    assert letter["Date"].datetime == datetime(2020, 9, 1, 9, 0, tzinfo=UTC)


def test_a_repeated_letter_is_the_same(office: Office, box: Mailbox) -> None:
    """As after a kill between sending and noting."""
    office.notices().look()
    id_ = office.log()[0]["id"]
    for _ in range(2):
        with writing(office.store.engine) as connection:
            delivery = deliveries.begin(connection, id_, office.now)
        assert delivery is not None
        assert mail.send(delivery, office.mail).error is None
        office.later(hours=7)
    first, second = box.raw
    assert first == second


def test_a_refused_recipient_delays_nobody_else(office: Office, box: Mailbox) -> None:
    subscribe(office, "other@gorodets.example")

    async def refuse(_server: object, _session: object, envelope: object, address: str, _options: object) -> str:
        if address == ADDRESS:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 OK"

    box.handle_RCPT = refuse  # type: ignore[attr-defined]
    assert office.step() == {"made": 2, "delivered": 1, "failed": 1}
    assert [letter["To"] for letter in box.letters] == ["other@gorodets.example"]
    assert {each["last_error"] for each in office.log()} == {None, "SMTP 550: no such mailbox"}


def test_without_a_mail_server_webhooks_go_out_and_the_log_says_what_is_missing(office: Office) -> None:
    office.mail = None
    with receiver() as hook:
        office.subscribe(hook.url)
        assert office.step() == {"made": 2, "delivered": 1, "failed": 1}
    assert {each["last_error"] for each in office.log()} == {None, "no mail server: VERTIKAL_SMTP_URL is not set"}


# How it goes over the wire


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of localhost with its key, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begin = dates.datetime.now(dates.UTC) - dates.timedelta(days=1)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("0.0.0.0"))]  # noqa: S104
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dates.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "localhost.pem"
    file.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "unknown"])
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_webhook_goes_only_to_a_certificate_that_is_trusted(
    vertical: Vertikal, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    office = Office(vertical, [item("p1")])
    with receiver(tls) as hook:
        office.subscribe(hook.url)
        assert office.step() == {"made": 1, "delivered" if trusted else "failed": 1}
        assert len(hook.requests) == trusted


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "unknown"])
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_beyond_loopback_letters_go_over_starttls_to_a_certificate_that_is_trusted(
    office: Office, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """0.0.0.0 leads to this machine, but is not loopback by its name."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mailbox(tls_context=tls, require_starttls=True) as box:
        office.mail = server(f"smtp://0.0.0.0:{box.port}")
        assert office.step() == {"made": 1, "delivered" if trusted else "failed": 1}
        assert len(box.letters) == trusted


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_beyond_loopback_a_server_without_starttls_gets_no_letter(office: Office, box: Mailbox) -> None:
    office.mail = server(f"smtp://0.0.0.0:{box.port}")
    assert office.step() == {"made": 1, "failed": 1}
    assert box.letters == []
    assert "STARTTLS" in office.log()[0]["last_error"]
    office.mail = server(f"smtp://127.0.0.1:{box.port}")  # the control
    office.later(minutes=1)
    assert office.step() == {"delivered": 1}


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_smtps_is_tls_from_the_first_byte(
    office: Office, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mailbox(ssl_context=tls) as box:
        office.mail = server(f"smtps://localhost:{box.port}")
        assert office.step() == {"made": 1, "delivered": 1}


@pytest.mark.parametrize(("password", "delivered"), [("s%40ve", True), ("wrong", False)])
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_mail_server_is_told_user_and_password(office: Office, password: str, delivered: bool) -> None:
    with mailbox("s@ve") as box:
        office.mail = server(f"smtp://vertikal:{password}@127.0.0.1:{box.port}")
        assert office.step() == {"made": 1, "delivered" if delivered else "failed": 1}
        assert office.log()[0]["last_status"] == (250 if delivered else 535)
    told = str(office.log())
    assert password not in told
    assert "s@ve" not in told


# Addresses and settings


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://gorodets.example", "https://gorodets.example/"),
        ("https://gorodets.example:8443/a?b=c", "https://gorodets.example:8443/a?b=c"),
        ("https://городец.рф/%D0%B2", "https://xn--c1acd8aal9b.xn--p1ai/%D0%B2"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
    ],
)
def test_an_address_of_a_webhook_is_kept_as_it_is_called(given: str, kept: str) -> None:
    assert addresses.webhook(given) == kept
    assert addresses.webhook(kept) == kept


@pytest.mark.parametrize(
    "given",
    [
        "http://gorodets.example/",
        "http://10.0.0.1/",
        "http://localhost.example/",
        "http://0.0.0.0/",
        "http://localhost@gorodets.example/",
        "https://user:password@gorodets.example/",
        "https://gorodets.example/#part",
        "https://gorodets.example/вести",
        "https://gorodets.example/a b",
        "https://gorodets.example/\r\nX: y",
        "https://gorodets.example:port/",
        "https://[::1/",
        "https:///a",
        "ftp://gorodets.example/",
        "file:///etc/passwd",
        "gorodets.example",
        "",
        "https://gorodets.example/" + "a" * 1_000,
    ],
)
def test_an_address_that_no_webhook_may_have_is_refused_in_russian(given: str) -> None:
    with pytest.raises(ValueError, match=r"[а-я]"):
        addresses.webhook(given)


@pytest.mark.parametrize("given", ["", "a", "@a.ru", "a@", "a@b@c.ru", "a b@c.ru", "a@b.ru\nBcc: c@d.ru", "я@a.ru"])
def test_what_is_no_address_of_e_mail_is_refused_in_russian(given: str) -> None:
    with pytest.raises(ValueError, match="электронной почты"):
        addresses.email(given)


def test_a_russian_domain_of_e_mail_is_kept_as_dns_knows_it() -> None:
    assert addresses.email("priemnaya@городец.рф") == "priemnaya@xn--c1acd8aal9b.xn--p1ai"


@pytest.mark.parametrize(
    "given",
    [
        {"VERTIKAL_SMTP_URL": "http://user:secret@a.example", "VERTIKAL_MAIL_FROM": SENDER},
        {"VERTIKAL_SMTP_URL": "smtp://user:secret@a.example:port", "VERTIKAL_MAIL_FROM": SENDER},
        {"VERTIKAL_SMTP_URL": "smtp://", "VERTIKAL_MAIL_FROM": SENDER},
        {"VERTIKAL_SMTP_URL": "smtp://user:secret@a.example/path", "VERTIKAL_MAIL_FROM": SENDER},
        {"VERTIKAL_SMTP_URL": "smtp://user:secret@a.example"},
        {"VERTIKAL_SMTP_URL": "smtp://user:secret@a.example", "VERTIKAL_MAIL_FROM": "Вертикаль"},
    ],
)
def test_a_setting_of_mail_that_cannot_be_used_is_named_without_the_password(given: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=r"VERTIKAL_(SMTP_URL|MAIL_FROM)") as refused:
        mail.read(read_settings(given))
    assert "secret" not in str(refused.value)


def test_passwords_do_not_show_where_settings_are_printed() -> None:
    found = server("smtp://user:secret@a.example")
    assert "secret" not in repr(found)
    assert "secret" not in repr(read_settings({"VERTIKAL_SMTP_URL": "smtp://user:secret@a.example"}))
    assert (found.port, replace(found, smtps=True).starttls) == (25, False)


# The command line


def test_subscriptions_are_made_listed_and_cancelled(vertical: Vertikal, terminal: Terminal) -> None:
    made = terminal.json("notices", "subscribe", "--organisation", "s1", "--email", ADDRESS)
    assert made == {"subscription": 1}
    (listed,) = terminal.json("notices", "list")["items"]
    assert (listed["organisation"], listed["channel"], listed["address"]) == ("s1", "email", ADDRESS)
    assert ADDRESS in terminal.run("notices", "list").stdout
    assert terminal.json("notices", "cancel", "1") == {"cancelled": 1}
    assert terminal.json("notices", "list")["items"][0]["cancelled_at"] is not None
    assert "no subscription 1" in terminal.run("notices", "cancel", "1", code=1).stderr


def test_a_webhook_is_subscribed_with_the_secret_on_a_line_of_its_own(vertical: Vertikal, terminal: Terminal) -> None:
    words = ("notices", "subscribe", "--organisation", "s1", "--webhook", "https://a.example")
    lines = terminal.run(*words, VERTIKAL_MASTER_KEY=MASTER.text()).stdout.splitlines()
    assert lines[0] == "subscription 1"
    assert lines[1].startswith("whsec_")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--organisation", "s1"), 2, "--webhook or --email"),
        (("--organisation", "s1", "--email", "a@b.ru", "--webhook", "https://a.example"), 2, "--webhook or --email"),
        (("--organisation", "nobody", "--email", "a@b.ru"), 1, "не зарегистрирована"),
        (("--organisation", "s1", "--email", "a"), 1, "электронной почты"),
        (("--organisation", "s1", "--webhook", "http://a.example"), 1, "только по https"),
    ],
)
def test_a_subscription_that_cannot_be_made_is_refused(
    vertical: Vertikal, terminal: Terminal, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = terminal.run("notices", "subscribe", *words, code=code, VERTIKAL_MASTER_KEY=MASTER.text())
    assert said in answer.stderr
    assert terminal.json("notices", "list") == {"items": []}


def test_the_log_is_shown_newest_first(office: Office, terminal: Terminal) -> None:
    office.step()
    office.later(days=1)
    office.items.append(item("p3"))
    office.step()
    logged = terminal.json("notices", "log")["items"]
    assert [(each["state"], each["appeared"]) for each in logged] == [
        ("delivered", ["p3"]),
        ("delivered", ["p2", "p1"]),
    ]
    assert len(terminal.json("notices", "log", "--limit", "1")["items"]) == 1
    assert "delivered" in terminal.run("notices", "log").stdout
