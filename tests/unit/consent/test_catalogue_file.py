"""Reading a catalogue file: strict, every issue listed, and nothing in it that no check looks at."""

import base64
import hashlib
from datetime import date

import pytest

from consent.grounds import (
    Basis,
    Carries,
    ConsentRule,
    Force,
    Status,
    Text,
    Tie,
    load_catalogue,
)
from consent.tables import CATALOGUE_BYTES_MAX, WORDS_MAX
from schemas.codes import Capacity, Category, Role
from schemas.errors import DocumentError

HEAD = """
version = "1"
[laws.Jw]
nl = "Jeugdwet"
en = "Youth Act"
"""
ROW = """
[[ground]]
code = "VTO"
name = "VTO"
title = { nl = "Verzoek", en = "Request" }
purpose = { nl = "Waarom.", en = "Why." }
note = { nl = "Let op.", en = "Mind." }
basis = [{ law = "Jw", article = "3.1" }]
valid_from = 2015-01-01
valid_until = 2029-12-31
in_force = true
carries = "elements"
from = { roles = ["gi"], capacities = ["ots"] }
to = { roles = ["raad"], capacities = [] }
message_types = ["verzoek-tot-onderzoek"]
ties = ["measure"]
consent = "none"
inform_parents = false
categories = ["identificatie", "zorgen"]
only = { zorgen = ["question"] }
necessary = ["zorgen"]
force = "may"
spoed_hours = 72
duty = "read"
categories_status = "proposed"
"""


def issues(text: str | bytes) -> list[tuple[str, str]]:
    """Load what must be refused; return the pointer and code of every issue."""
    with pytest.raises(DocumentError) as caught:
        load_catalogue(text.encode() if isinstance(text, str) else text)
    return [(issue.pointer, issue.code.removeprefix("hub.catalogue.")) for issue in caught.value.issues]


def with_row(old: str, new: str) -> str:
    """Change one thing in the one row of a small catalogue."""
    assert ROW.count(old) == 1, old
    return HEAD + ROW.replace(old, new)


def test_a_row_is_read_with_everything_it_says() -> None:
    data = (HEAD + ROW).encode()
    catalogue = load_catalogue(data)
    (row,) = catalogue.grounds
    assert (catalogue.version, catalogue.data) == ("1", data)
    assert catalogue.laws == {"Jw": Text(nl="Jeugdwet", en="Youth Act")}
    assert (row.code, row.name, row.title) == ("VTO", "VTO", Text(nl="Verzoek", en="Request"))
    assert (row.purpose, row.note) == (Text(nl="Waarom.", en="Why."), Text(nl="Let op.", en="Mind."))
    assert row.basis == (Basis(law="Jw", article="3.1"),)
    assert (row.valid_from, row.valid_until) == (date(2015, 1, 1), date(2029, 12, 31))
    assert (row.in_force, row.carries, row.inform_parents) == (True, Carries.ELEMENTS, False)
    assert (row.sender.roles, row.sender.capacities) == (frozenset({Role.GI}), frozenset({Capacity.OTS}))
    assert (row.recipient.roles, row.recipient.capacities) == (frozenset({Role.RAAD}), frozenset())
    assert row.message_types == {"verzoek-tot-onderzoek"}
    assert (row.ties, row.consent) == ((Tie.MEASURE,), ConsentRule.NONE)
    assert row.categories == {Category.IDENTIFICATIE, Category.ZORGEN}
    assert row.only == {Category.ZORGEN: {"question"}}
    assert row.necessary == {Category.ZORGEN}
    assert (row.force, row.spoed_hours) == (Force.MAY, 72)
    assert (row.duty, row.categories_status, row.proposed) == (Status.READ, Status.PROPOSED, True)


def test_the_digest_is_over_the_bytes_of_the_file() -> None:
    data = (HEAD + ROW).encode()
    expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    assert load_catalogue(data).digest == expected
    assert load_catalogue(data + b"# a word more\n").digest != expected


@pytest.mark.parametrize("left_out", ["note =", "valid_until =", "force =", "spoed_hours ="])
def test_what_a_row_need_not_say_is_none(left_out: str) -> None:
    lines = [line for line in ROW.splitlines() if not line.startswith(left_out)]
    (row,) = load_catalogue((HEAD + "\n".join(lines)).encode()).grounds
    assert getattr(row, left_out.removesuffix(" =")) is None


def test_an_open_row_holds_for_ever_and_a_bounded_one_until_its_last_day() -> None:
    (bounded,) = load_catalogue((HEAD + ROW).encode()).grounds
    days = [date(2014, 12, 31), date(2015, 1, 1), date(2029, 12, 31), date(2030, 1, 1)]
    assert [bounded.holds_on(day) for day in days] == [False, True, True, False]
    (open_ended,) = load_catalogue(with_row("valid_until = 2029-12-31\n", "").encode()).grounds
    assert [open_ended.holds_on(day) for day in days] == [False, True, True, True]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"version = ",
        b"version = 1\nversion = 2",
        b"x = " + b"[" * 5000 + b"]" * 5000,
        b"x = " + b"9" * 5000,
    ],
    ids=["not-utf-8", "broken", "twice", "too-deep", "a-number-beyond-all-numbers"],
)
def test_what_is_no_toml_is_refused(data: bytes) -> None:
    assert issues(data) == [("", "syntax")]


def test_a_file_over_its_limit_is_refused_unread() -> None:
    assert issues(b"#" * (CATALOGUE_BYTES_MAX + 1)) == [("", "too-large")]


def test_a_list_of_words_is_bounded() -> None:
    words = ", ".join(f'"type-{number}"' for number in range(WORDS_MAX))
    assert len(load_catalogue(with_row('"verzoek-tot-onderzoek"', words).encode()).grounds[0].message_types) == 100
    assert issues(with_row('"verzoek-tot-onderzoek"', words + ', "more"')) == [("/ground/0/message_types", "form")]


def test_an_empty_file_misses_everything() -> None:
    assert issues("") == [("/version", "form"), ("/laws", "form"), ("/ground", "form")]


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ('code = "VTO"', 'code = "vto"', "code"),
        ('code = "VTO"\n', "", "code"),
        ('title = { nl = "Verzoek", en = "Request" }', 'title = { nl = "Verzoek" }', "title/en"),
        ('title = { nl = "Verzoek", en = "Request" }', 'title = { nl = "a", en = "b", de = "c" }', "title/de"),
        ('nl = "Waarom."', 'nl = ""', "purpose/nl"),
        ('nl = "Waarom."', f'nl = "{"x" * 1001}"', "purpose/nl"),
        ("basis = [", "basis = 3 # [", "basis"),
        ('basis = [{ law = "Jw", article = "3.1" }]', 'basis = ["Jw"]', "basis"),
        ('article = "3.1"', "article = 3", "basis/0/article"),
        ("valid_from = 2015-01-01", 'valid_from = "2015-01-01"', "valid_from"),
        ("valid_from = 2015-01-01", "valid_from = 2015-01-01T00:00:00Z", "valid_from"),
        ("in_force = true", "in_force = 1", "in_force"),
        ('carries = "elements"', 'carries = "everything"', "carries"),
        ('consent = "none"', "consent = []", "consent"),
        ('roles = ["raad"]', 'roles = ["rechtbank"]', "to/roles/0"),
        ('roles = ["raad"]', 'roles = ["raad", "raad"]', "to/roles/1"),
        ('roles = ["raad"]', "roles = [3]", "to/roles/0"),
        ("to = {", "to = 3 # {", "to"),
        ('ties = ["measure"]', 'ties = ["measure", "moon"]', "ties/1"),
        ('categories = ["identificatie", "zorgen"]', 'categories = ["zorgen", "alles"]', "categories/1"),
        ('["verzoek-tot-onderzoek"]', '"verzoek-tot-onderzoek"', "message_types"),
        ('["verzoek-tot-onderzoek"]', '["Verzoek tot onderzoek"]', "message_types/0"),
        ("spoed_hours = 72", "spoed_hours = true", "spoed_hours"),
        ('zorgen = ["question"]', "zorgen = []", "only/zorgen"),
        ('zorgen = ["question"]', 'alles = ["question"]', "only/alles"),
        ('duty = "read"', 'duty = "settled"', "duty"),
        ('duty = "read"', 'duty = "read"\ncomment = "new"', "comment"),
    ],
)
def test_a_member_of_another_form_is_refused_where_it_stands(old: str, new: str, pointer: str) -> None:
    assert (f"/ground/0/{pointer}", "form") in issues(with_row(old, new))


@pytest.mark.parametrize(
    ("old", "new", "member"),
    [
        ('name = "VTO"', 'name = "RAAD.1"', "name"),
        ("valid_until = 2029-12-31", "valid_until = 2014-12-31", "valid_until"),
        ('law = "Jw"', 'law = "BW"', "basis/0/law"),
        ('basis = [{ law = "Jw", article = "3.1" }]', "basis = []", "basis"),
        ('capacities = ["ots"]', "capacities = []", "from/capacities"),
        (
            'to = { roles = ["raad"], capacities = [] }',
            'to = { roles = ["raad"], capacities = ["ots"] }',
            "to/capacities",
        ),
        (
            'from = { roles = ["gi"], capacities = ["ots"] }',
            'from = { roles = ["gemeente", "gi"], capacities = ["ots"] }',
            "ties",
        ),
        (
            'to = { roles = ["raad"], capacities = [] }',
            'to = { roles = ["gi"], capacities = ["voogdij"] }',
            "ties",
        ),
        ('to = { roles = ["raad"], capacities = [] }', "to = { roles = [], capacities = [] }", "to"),
        ('only = { zorgen = ["question"] }', 'only = { adres = ["line"] }', "only"),
        ('necessary = ["zorgen"]', 'necessary = ["gezondheid"]', "necessary"),
        ('carries = "elements"', 'carries = "counts"', "categories"),
        ('consent = "none"', 'consent = "persons-by-age-and-authority"', "consent"),
        ('ties = ["measure"]', 'ties = ["measure", "consent"]', "consent"),
        ("spoed_hours = 72", "spoed_hours = 0", "spoed_hours"),
        ("spoed_hours = 72", "spoed_hours = 169", "spoed_hours"),
        ('ties = ["measure"]', "ties = []", "spoed_hours"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(old: str, new: str, member: str) -> None:
    assert issues(with_row(old, new)) == [(f"/ground/0/{member}", "contradiction")]


def test_a_gi_is_representative_only_by_a_measure() -> None:
    text = with_row('consent = "none"', 'consent = "gi-as-representative"')
    load_catalogue(text.encode())
    without = text.replace('ties = ["measure"]', "ties = []").replace("spoed_hours = 72\n", "")
    assert issues(without) == [("/ground/0/consent", "contradiction")]


def test_elements_are_sent_by_somebody() -> None:
    old, new = 'roles = ["gemeente", "gi"], capacities = ["ots"]', "roles = [], capacities = []"
    assert issues(HEAD + FIRST.replace(old, new)) == [("/ground/0/from", "contradiction")]


def test_a_measure_of_either_is_one_of_two_gis() -> None:
    tied = FIRST.replace("\nties = []", '\nties = ["measure-of-either"]')
    assert issues(HEAD + tied) == [("/ground/0/ties", "contradiction")]
    both = tied.replace('roles = ["gemeente", "gi"], capacities = ["ots"]', 'roles = ["gi"], capacities = ["ots"]')
    load_catalogue(
        (HEAD + both.replace('roles = ["raad"], capacities = []', 'roles = ["gi"], capacities = ["ots"]')).encode()
    )


def test_a_row_without_a_law_can_only_be_off() -> None:
    text = with_row('basis = [{ law = "Jw", article = "3.1" }]', "basis = []")
    load_catalogue(text.replace("in_force = true", "in_force = false").encode())


def test_a_law_can_be_named_as_a_whole() -> None:
    (row,) = load_catalogue(with_row(', article = "3.1"', "").encode()).grounds
    assert row.basis == (Basis(law="Jw", article=None),)


def test_every_issue_is_listed() -> None:
    text = with_row('code = "VTO"', 'code = "vto"').replace("in_force = true", "in_force = 1") + "[extra]\n"
    assert issues(text) == [
        ("/ground/0/code", "form"),
        ("/ground/0/name", "contradiction"),
        ("/ground/0/in_force", "form"),
        ("/extra", "form"),
    ]


def test_a_name_stands_once() -> None:
    assert issues(HEAD + ROW + ROW) == [("/ground/1/name", "twice")]


FIRST = (
    ROW.replace('ties = ["measure"]', "ties = []")
    .replace("spoed_hours = 72\n", "")
    .replace('roles = ["gi"], capacities = ["ots"]', 'roles = ["gemeente", "gi"], capacities = ["ots"]')
)
SECOND = FIRST.replace('name = "VTO"', 'name = "VTO.2"')


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("valid_from = 2015-01-01\nvalid_until = 2029-12-31", "valid_from = 2030-01-01"),
        ("valid_from = 2015-01-01\nvalid_until = 2029-12-31", "valid_from = 2014-01-01\nvalid_until = 2014-12-31"),
        ('["verzoek-tot-onderzoek"]', '["raadsrapport"]'),
        ('roles = ["gemeente", "gi"], capacities = ["ots"]', 'roles = ["gi"], capacities = ["voogdij"]'),
        ('roles = ["gemeente", "gi"], capacities = ["ots"]', 'roles = ["veilig-thuis"], capacities = []'),
        ('roles = ["raad"]', 'roles = ["gemeente"]'),
    ],
)
def test_rows_of_one_code_that_never_meet_stand_side_by_side(old: str, new: str) -> None:
    assert SECOND.count(old) == 1
    catalogue = load_catalogue((HEAD + FIRST + SECOND.replace(old, new)).encode())
    assert [row.name for row in catalogue.rows("VTO")] == ["VTO", "VTO.2"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("in_force = true", "in_force = false"),
        ("valid_from = 2015-01-01\nvalid_until = 2029-12-31", "valid_from = 2029-12-31"),
        ('roles = ["gemeente", "gi"], capacities = ["ots"]', 'roles = ["gi"], capacities = ["ots", "voogdij"]'),
        ('roles = ["gemeente", "gi"], capacities = ["ots"]', 'roles = ["gemeente"], capacities = []'),
    ],
)
def test_rows_of_one_code_that_hold_for_the_same_message_on_a_day_are_refused(old: str, new: str) -> None:
    assert issues(HEAD + FIRST + SECOND.replace(old, new)) == [("/ground/1", "overlap")]
