"""The hub cannot read a value: nothing that an organisation sealed stands anywhere outside the organisations' homes.

Searched are PostgreSQL's files and every row of its tables, Valkey's dump, the logs of every process, the hub's
metrics, and every other file under the home. Not searched is what belongs to an organisation: `organisations/`.
"""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import redis
from psycopg import sql

from deploy.local.stack import ORGANISATIONS
from tests.support.stack import StackUnderTest, stack_under_test, unique
from tests.support.stack_search import Hit, Needle, files_below, leaves, needles, search, texts_of
from tests.support.stuf_scenarios import (
    GEMEENTE,
    NOTIFICATION_SCENARIOS,
    RAAD,
    VTO_SCENARIOS,
    Header,
    notification_scenario,
    vto_example,
    vto_scenario,
)

pytestmark = pytest.mark.stack

RESPONSIBLE = "MW-0042"
"""The responsible professional's number; `eigen` here, for StUF carries no registration number."""

WORDS_OF_POSTGRESQL = frozenset({"true", "false", "text", "path", "leaf", "routine", "unknown"})
"""Words that its catalogue has from the beginning."""

Found = tuple[str, str]
"""A value, and in what kind of place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A stack of its own, and what was sealed in it.

    Attributes:
        office: The stack.
        wanted: Every sealed value, in every form.
        before: What was found before anything was sent.
        clear: The words of the signed claims: what a message has in the clear, labels and pseudonyms among it.
    """

    office: StackUnderTest
    wanted: list[Needle]
    before: frozenset[Found]
    clear: frozenset[str]

    def is_excepted(self, hit: Hit) -> bool:
        """Whether a value is where the architecture has it, or where it was before there was any message."""
        value, kind = hit.needle.value, kind_of(hit)
        # A connector says whose it is when it starts; the names of participants are in the open directory.
        says_its_name = kind.startswith("logs/") and any(value in each.title for each in ORGANISATIONS)
        return value in self.clear or says_its_name or (value, kind) in self.before


def kind_of(hit: Hit) -> str:
    """Return the table, or the folder, in which a value was found."""
    return hit.where if hit.where.startswith("table ") else "/".join(hit.where.split("/")[:3])


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """Play the demonstration and every scenario."""
    with stack_under_test(hubs=1) as office:
        files = files_of(unique("ZAAK"))
        untouched = list(everything(office))
        refused = vto_scenario(1, header=Header(reference=unique("VTO"), receiver=office.gi.organisation.oin))
        office.gemeente.refused(office.gemeente.drop(refused))
        texts = {text for _, data in files for text in texts_of(data)}
        clear: set[str] = set()
        sent = [(office.gemeente if is_request else office.raad, is_request, data) for is_request, data in files]
        for name, sender, is_request in [(sender.drop(data), sender, each) for sender, each, data in sent]:
            recipient = office.raad if is_request else office.gemeente
            message = sender.sent(name, state="received").message
            token, *disclosures = recipient.received(message).evidence["sd_jwt"].split("~")[:-1]
            values = [json.loads(decode(each))[1] for each in disclosures]
            texts |= {*disclosures, *(text for value in values for text in leaves(value))}
            clear |= words_of(json.loads(decode(token.split(".")[1])))
        wanted = needles(texts)
        clear |= tags_of(office)
        before = frozenset((hit.needle.value, kind_of(hit)) for hit in search(untouched, wanted))
        yield Played(office=office, wanted=wanted, before=before, clear=frozenset(clear))


def files_of(case: str) -> list[tuple[bool, bytes]]:
    """Return every file to play, and whether it is a request."""
    requests = [vto_example(header=Header(reference=unique("VTO")))]
    for number in range(1, VTO_SCENARIOS + 1):
        header = Header(reference=unique("VTO"))
        requests.append(vto_scenario(number, header=header, case_number=f"{case}-{number}"))
    answers = []
    for number in range(1, NOTIFICATION_SCENARIOS + 1):
        header = Header(sender=RAAD, receiver=GEMEENTE, reference=unique("NOT"))
        answers.append(notification_scenario(number, header=header, municipal_case=f"{case}-1"))
    return [*((True, data) for data in requests), *((False, data) for data in answers)]


def words_of(claims: object) -> set[str]:
    """Return what a message's signed claims say in the clear: names of members and texts, digests left out."""
    found: set[str] = set()
    if isinstance(claims, dict):
        for name, value in claims.items():
            found |= {name} if name == "..." else {name, *words_of(value)}
    elif isinstance(claims, list):
        for each in claims:
            found |= words_of(each)
    elif isinstance(claims, str):
        found |= {claims, claims.rpartition(":")[2]}
    return found


def tags_of(office: StackUnderTest) -> set[str]:
    """Return the pseudonyms that travelled to the hub in the clear."""
    with office.database() as connection:
        disclosures = [text for (tags,) in connection.execute("SELECT tags FROM messages").fetchall() for text in tags]
    return {str(json.loads(decode(text))[1]) for text in disclosures}


def decode(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def everything(office: StackUnderTest) -> Iterator[tuple[str, bytes]]:
    """Yield everything that is not an organisation's own, after what is in memory was written out."""
    stack = office.stack
    assert stack.postgresql is not None
    assert stack.valkey is not None
    with psycopg.connect(stack.postgresql.url("postgres", role="postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    client = redis.Redis.from_url(stack.valkey.url())
    # Uncompressed, or a text in the dump could hide.
    client.config_set("rdbcompression", "no")
    client.save()
    client.close()
    yield from files_below(stack.home, but=[stack.home / "organisations"])
    yield from rows(office)
    for port in stack.ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            yield f"/metrics at {port}", answer.read()


def rows(office: StackUnderTest) -> Iterator[tuple[str, bytes]]:
    """Yield every row of every table as the database gives it: in its files long values are compressed."""
    with office.database() as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (name,) in tables:
            with connection.cursor().copy(
                sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT BINARY)").format(sql.Identifier(name))
            ) as copy:
                yield f"table {name}", b"".join(bytes(part) for part in copy)


def test_no_sealed_value_is_anywhere_but_at_the_organisations(played: Played) -> None:
    assert len({needle.value for needle in played.wanted}) > 200
    hits = search(everything(played.office), played.wanted)
    assert [shown(hit) for hit in hits if not played.is_excepted(hit)] == []


def test_what_is_in_the_clear_is_what_the_architecture_names(played: Played) -> None:
    values = {needle.value for needle in played.wanted}
    assert RESPONSIBLE in values & played.clear
    # The parties, the ways, the responsible professional, the pseudonyms; beside these only words of our own labels.
    others = {
        value
        for value in values & played.clear - {GEMEENTE, RAAD, RESPONSIBLE} - tags_of(played.office)
        if not value.replace("-", "").isalpha()
    }
    assert others == set()


def test_what_was_there_before_are_words_that_the_hub_publishes(played: Played) -> None:
    published = b" ".join(
        [
            *(data for name, data in rows(played.office) if name == "table documents"),
            *(f"{organisation.oin} {organisation.title}".encode() for organisation in ORGANISATIONS),
        ]
    ).decode("utf-8", "replace")
    unknown = {value for value, _ in played.before if value not in published} - WORDS_OF_POSTGRESQL
    assert unknown == set()


def shown(hit: Hit) -> str:
    """Say what was found where."""
    return f"{hit.needle.value!r} ({hit.needle.form}) in {hit.where}"


# ---- the search finds what is there ----


@pytest.mark.parametrize("before", ["", "x", "xy", '{"naam":"'])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, lambda data: data])
def test_a_planted_value_is_found_in_every_form(played: Played, before: str, encode: Callable[[bytes], bytes]) -> None:
    value = "Šæđœŷĳ-Çelïköz"
    assert value in {needle.value for needle in played.wanted}
    planted = played.office.stack.home / "logs" / "planted.log"
    planted.write_bytes(b"00 " + encode(f'{before}{value}"}}'.encode()) + b"\n")
    try:
        hits = search(files_below(played.office.stack.home / "logs", but=[]), played.wanted)
    finally:
        planted.unlink()
    assert (planted.name, value) in {(hit.where, hit.needle.value) for hit in hits}


def test_a_value_in_a_table_or_in_valkey_is_found(played: Played) -> None:
    assert played.office.stack.valkey is not None
    with played.office.database() as connection:
        connection.execute("CREATE TABLE planted AS SELECT repeat('.', 5000) || 'Testmoeder' AS text")
    client = redis.Redis.from_url(played.office.stack.valkey.url())
    client.set("planted", "Testdochter")
    try:
        hits = {(hit.where, hit.needle.value) for hit in search(everything(played.office), played.wanted)}
    finally:
        client.delete("planted")
        client.close()
        with played.office.database() as connection:
            connection.execute("DROP TABLE planted")
    assert ("table planted", "Testmoeder") in hits
    assert ("valkey/data/dump.rdb", "Testdochter") in hits


def test_short_values_are_found_and_digests_are_not_taken_for_them() -> None:
    wanted = needles(["Zoë!", "DOC7"])
    digest = base64.urlsafe_b64encode(bytes(range(7, 40)))
    assert search([("a", b'{"naam": "DOC7"}'), ("b", digest + b"DOC7" + digest)], wanted) == [
        Hit(where="a", needle=wanted[[each.data for each in wanted].index(b"DOC7")])
    ]
    text = base64.b64encode(b'{"naam": "DOC7", "rol": "kind", "ander": "ja"}')
    assert [hit.where for hit in search([("c", text)], wanted)] == ["c"]
