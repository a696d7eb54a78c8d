"""A hub whose database or answers somebody changed: the recipient's connector hands nothing over, and says so.

Between acceptance and release an insider of the hub can reach what waits. What the sender signed and sealed shows it:
the Raad's connector refuses the message, tells its people, and reports the reason in a signed receipt that reaches the
sender. The same for every part of an answer, by a proxy that lies.
"""

import base64
import contextlib
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.aftermath import Aftermath
from deploy.local.processes import wait_until
from tests.support.stack import WAIT_SECONDS, Sent, StackUnderTest, run, set_toml, unique
from tests.support.stack_wire import LyingHub
from tests.support.stuf_scenarios import Header, vto_scenario

pytestmark = pytest.mark.stack

Row = tuple[list[int], list[int], bytes]
"""Numbers, lengths and data of what waits."""


def parts(row: Row) -> list[tuple[int, bytes]]:
    """Return the sealed elements of a message that waits, with their numbers."""
    numbers, lengths, data = row
    found, at = [], 0
    for number, length in zip(numbers, lengths, strict=True):
        found.append((number, data[at : at + length]))
        at += length
    return found


def swapped(row: Row) -> list[tuple[int, bytes]]:
    elements = parts(row)
    (one, first), (two, second) = elements[0], elements[1]
    return [(one, second), (two, first), *elements[2:]]


def dropped(row: Row) -> list[tuple[int, bytes]]:
    return parts(row)[:-1]


def altered(row: Row) -> list[tuple[int, bytes]]:
    elements = parts(row)
    number, sealed = elements[3]
    elements[3] = (number, sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:])
    return elements


def doubled(row: Row) -> list[tuple[int, bytes]]:
    elements = parts(row)
    elements[1] = (elements[1][0], elements[0][1])
    return elements


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (swapped, "hub.element.altered"),
        (doubled, "hub.element.altered"),
        (altered, "hub.element.altered"),
        (dropped, "hub.element.missing"),
    ],
)
def test_elements_that_were_changed_in_the_hubs_database_are_refused_by_the_recipient(
    office: StackUnderTest, change: Callable[[Row], list[tuple[int, bytes]]], code: str
) -> None:
    received = office.raad.files()
    with contextlib.ExitStack() as stack:
        with office.raad.stopped():
            sent = send(office)
            stack.enter_context(tampered(office, sent.message, change))
        refused = office.gemeente.sent(sent.name, state="refused")
    assert code in {reason["code"] for reason in refused.recipient["receipt"]["reasons"]}
    notice_about(office, sent.message)
    assert office.raad.files() == received


def test_a_message_whose_signed_bytes_were_changed_in_the_hubs_database_is_not_handed_over(
    office: StackUnderTest,
) -> None:
    received = office.raad.files()
    change = (
        "UPDATE message_bodies SET jws = left(jws, -44) || reverse(right(left(jws, -4), 40)) || right(jws, 4)"
        " WHERE body = (SELECT body FROM messages WHERE id = %s)"
    )
    with office.raad.stopped():
        sent = send(office)
        with office.database() as connection:
            connection.execute(change, [sent.message])
    (notice,) = office.raad.notices_about(sent.message)
    assert (notice["kind"], "hub.message.damaged" in notice["en"]) == ("alarm", True)
    assert office.raad.files() == received
    with office.database() as connection:
        connection.execute(change, [sent.message])  # the change undoes itself
    office.gemeente.sent(sent.name, state="received")
    office.raad.received(sent.message)
    office.raad.command("confirm", sent.message)


def test_an_entry_that_was_changed_in_the_hubs_database_is_seen_by_whoever_verifies_the_log(
    office: StackUnderTest, tmp_path: Path
) -> None:
    sent = send(office)
    office.gemeente.sent(sent.name, state="received")
    aftermath = Aftermath(stack=office.stack, dropped=(), taken=tmp_path, twice=())
    aftermath.write_log(tmp_path / "before")
    assert run("ketenhub-log", "verify", tmp_path / "before", "--policy", office.policy).returncode == 0
    with changed_entry(office, sent.recipient["log_index"], office.raad.organisation.oin, office.gi.organisation.oin):
        aftermath = Aftermath(stack=office.stack, dropped=(), taken=tmp_path, twice=())
        aftermath.write_log(tmp_path / "after")
    done = run("ketenhub-log", "verify", tmp_path / "after", "--policy", office.policy, check=False)
    assert done.returncode == 1


@contextlib.contextmanager
def changed_entry(office: StackUnderTest, index: int, old: str, new: str) -> Iterator[None]:
    """Rewrite an entry in the hub's database, and put it back."""
    update = "UPDATE log_entries SET entry = replace(entry, %s, %s) WHERE index = %s AND entry LIKE '%%' || %s || '%%'"
    with office.database() as connection:
        assert connection.execute(update, [old, new, index, old]).rowcount == 1
        try:
            yield
        finally:
            assert connection.execute(update, [new, old, index, new]).rowcount == 1


@contextlib.contextmanager
def tampered(office: StackUnderTest, message: str, change: Callable[[Row], list[tuple[int, bytes]]]) -> Iterator[None]:
    """Change what waits, as somebody with the database could; and put it back, for the tests that follow."""
    body = "body = (SELECT body FROM messages WHERE id = %s)"
    update = f"UPDATE ciphertexts SET numbers = %s, lengths = %s, data = %s WHERE {body}"  # noqa: S608 - a constant
    with office.database() as connection:
        select = f"SELECT numbers, lengths, data FROM ciphertexts WHERE {body}"  # noqa: S608 - a constant
        row = connection.execute(select, [message]).fetchone()
        assert row is not None
        elements = change(row)
        numbers, sealed = [number for number, _ in elements], [each for _, each in elements]
        connection.execute(update, [numbers, [len(each) for each in sealed], b"".join(sealed), message])
        try:
            yield
        finally:
            connection.execute(update, [*row, message])


def send(office: StackUnderTest) -> Sent:
    """Let the gemeente send a request."""
    return office.gemeente.sent(office.gemeente.drop(vto_scenario(1, header=Header(reference=unique("VTO")))))


def notice_about(office: StackUnderTest, message: str) -> None:
    """Wait until the Raad's people are told about a message, and confirm that they saw it."""
    kinds = {each["kind"] for each in office.raad.notices_about(message)}
    assert kinds <= {"alarm", "refused-by-us"}
    office.raad.command("confirm", message)


# ---- a hub that answers with lies ----


@pytest.fixture(scope="module")
def liar(office: StackUnderTest) -> Iterator[LyingHub]:
    """Put a lying hub between the Raad's connector and a hub process of its own."""
    port = office.stack.ports[-1]
    liar = LyingHub()
    name = f"hub-{office.stack.hubs}"
    settings = office.raad.home / "connector.toml"
    before = settings.read_text()
    process = office.stack.processes[name]
    told_api = dict(process.environment)
    with liar.before(f"http://127.0.0.1:{port}"), office.raad.stopped():
        process.stop()
        # Proofs of possession name the place that is called: this process is reached by way of the liar.
        process.environment = {**told_api, "KETENHUB_HUB_API": liar.url}
        process.start()
        set_toml(settings, url=liar.url)
        office.raad.start()
        yield liar
        office.raad.stop()
        settings.write_text(before)
        process.stop()
        process.environment = told_api
        process.start()


def _flip(text: str) -> str:
    data = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    data[len(data) // 2] ^= 1
    return base64.urlsafe_b64encode(bytes(data)).rstrip(b"=").decode()


def _swap(release: dict[str, Any]) -> None:
    elements = release["elements"]
    elements[0]["sealed"], elements[1]["sealed"] = elements[1]["sealed"], elements[0]["sealed"]


def _drop(release: dict[str, Any]) -> None:
    release["elements"].pop()


def _double(release: dict[str, Any]) -> None:
    release["elements"][1]["sealed"] = release["elements"][0]["sealed"]


def _alter(release: dict[str, Any]) -> None:
    release["elements"][0]["sealed"] = _flip(release["elements"][0]["sealed"])


def _alter_with_hash(release: dict[str, Any]) -> None:
    _alter(release)
    text = release["elements"][0]["sealed"]
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    release["hashes"][release["elements"][0]["index"] + 1] = digest


def _alter_key(release: dict[str, Any]) -> None:
    release["key"] = _flip(release["key"])


def _alter_message(release: dict[str, Any]) -> None:
    header, payload, signature = release["message"].split(".")
    release["message"] = f"{header}.{payload}.{_flip(signature)}"


def _withhold(release: dict[str, Any]) -> None:
    """Pretend that the decision withheld an element, as the hub could if nothing were committed to."""
    shown = json.loads(release["shown"])
    label = shown["permitted"].pop()
    shown["withheld"].append({"label": label, "reasons": ["no-ground"]})
    release["shown"] = json.dumps(shown, separators=(",", ":"), sort_keys=True)
    release["elements"].pop()


def _other_salt(release: dict[str, Any]) -> None:
    release["shown_salt"] = _flip(release["shown_salt"])


def _other_time(release: dict[str, Any]) -> None:
    entry = json.loads(release["entry"])
    entry["time"] += 1
    release["entry"] = json.dumps(entry, separators=(",", ":"), sort_keys=True)


def _other_index(release: dict[str, Any]) -> None:
    release["index"] -= 1


def _other_proof(release: dict[str, Any]) -> None:
    lines = release["tlog_proof"].split("\n")
    place = next(number for number, line in enumerate(lines) if len(line) == 44 and line.endswith("="))
    lines[place] = base64.b64encode(bytes(32)).decode()
    release["tlog_proof"] = "\n".join(lines)


LIES = (
    _swap,
    _drop,
    _double,
    _alter,
    _alter_with_hash,
    _alter_key,
    _alter_message,
    _withhold,
    _other_salt,
    _other_time,
    _other_index,
    _other_proof,
)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__.strip("_"))
def test_nothing_is_handed_over_of_an_answer_that_was_changed(
    office: StackUnderTest, liar: LyingHub, lie: Callable[[dict[str, Any]], None]
) -> None:
    received, lies = office.raad.files(), liar.told
    liar.lie = lie
    try:
        sent = send(office)
        notice_about(office, sent.message)
    finally:
        liar.lie = None
    assert liar.told > lies
    assert office.raad.files() == received


def test_what_is_shown_was_changed_in_the_hubs_database_after_it_was_logged(
    office: StackUnderTest, liar: LyingHub
) -> None:
    received = office.raad.files()
    sent, index = disclosed_and_lost(office, liar)
    with office.database() as connection:
        update = "UPDATE shown_records SET text = replace(text, '\"withheld\":[]', '\"withheld\":[ ]')"
        assert connection.execute(f"{update} WHERE index = %s", [index]).rowcount == 1
    office.raad.start()
    notice_about(office, sent.message)
    assert office.raad.files() == received


def test_a_hub_whose_entries_were_changed_stops_and_goes_on_when_they_are_put_back(
    office: StackUnderTest, liar: LyingHub
) -> None:
    received = office.raad.files()
    sent, index = disclosed_and_lost(office, liar)
    process = office.stack.processes[f"hub-{office.stack.hubs}"]
    ready = f"http://127.0.0.1:{office.stack.ports[-1]}/readyz"
    with changed_entry(office, index, '"purpose":"VTO"', '"purpose":"VTA"'):
        office.raad.start()
        wait_until(lambda: status_of(ready) == 503, what="the hub process to stop serving", seconds=WAIT_SECONDS)
        assert "log.contradicted" in process.log.read_text()
        assert office.raad.files() == received
    process.stop()
    process.start()
    office.gemeente.sent(sent.name, state="received")
    office.raad.received(sent.message)
    # The Raad's connector holds every checkpoint against the one before: it may have seen that something was wrong.
    office.raad.command("confirm", "log", check=False)


def status_of(url: str) -> int:
    """Return the status of an answer; 0 if there is none."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own process
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def disclosed_and_lost(office: StackUnderTest, liar: LyingHub) -> tuple[Sent, int]:
    """Let a message be disclosed, and the answer be lost on the way; returns it and the place of the entry."""
    liar.silent = True
    sent = send(office)
    digest = office.entries()[sent.recipient["log_index"]]["message"]
    wait_until(lambda: disclosure_of(office, digest) is not None, what="the disclosure", seconds=WAIT_SECONDS)
    index = disclosure_of(office, digest)
    assert index is not None
    office.raad.stop()
    liar.silent = False
    return sent, index


def disclosure_of(office: StackUnderTest, digest: str) -> int | None:
    """Return the place of the entry that says that a message was disclosed."""
    for index, entry in enumerate(office.entries()):
        if (entry["kind"], entry.get("message")) == ("DISCLOSURE", digest):
            return index
    return None


def test_what_the_liar_leaves_as_it_is_arrives(office: StackUnderTest, liar: LyingHub) -> None:
    assert liar.lie is None
    sent = send(office)
    office.gemeente.sent(sent.name, state="received")
    office.raad.received(sent.message)
