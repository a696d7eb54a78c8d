"""Parties, categories and days in words, Dutch and English: what the reports about a catalogue are made of.

Words only: no value of a message and no identity ever reaches this module.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from consent.explain import PROPOSED
from consent.grounds import Basis, Catalogue, Ground, Side, Text, Tie
from consent.request import Party
from consent.space import Days
from schemas.codes import AgeBand, Capacity, Category, Role, SubjectRole
from schemas.definitions import Definitions

_ROLES: Final = {
    Role.RAAD: Text(nl="Raad voor de Kinderbescherming", en="Raad voor de Kinderbescherming"),
    Role.GI: Text(nl="gecertificeerde instelling", en="certified institution"),
    Role.GEMEENTE: Text(nl="gemeente", en="gemeente"),
    Role.VEILIG_THUIS: Text(nl="Veilig Thuis", en="Veilig Thuis"),
    Role.TOEZICHTHOUDER: Text(nl="toezichthouder", en="supervisor"),
    Role.DASHBOARD: Text(nl="dashboard", en="dashboard"),
    Role.INKOOPORGANISATIE: Text(nl="inkooporganisatie", en="purchasing organisation"),
}
_CAPACITIES: Final = {
    Capacity.OTS: Text(nl="ondertoezichtstelling", en="supervision order"),
    Capacity.VOOGDIJ: Text(nl="voogdij", en="guardianship"),
    Capacity.PREVENTIEF: Text(nl="preventief", en="preventive"),
    Capacity.JEUGDRECLASSERING: Text(nl="jeugdreclassering", en="youth probation"),
}
_SUBJECTS: Final = {
    SubjectRole.JEUGDIGE: Text(nl="jeugdige", en="young person"),
    SubjectRole.OUDER: Text(nl="ouder", en="parent"),
    SubjectRole.ANDER: Text(nl="ander", en="other person"),
}
_AGES: Final = {
    AgeBand.UNBORN: Text(nl="ongeboren", en="unborn"),
    AgeBand.UNDER_12: Text(nl="jonger dan 12 jaar", en="under 12"),
    AgeBand.FROM_12: Text(nl="van 12 tot en met 15 jaar", en="of 12 to 15"),
    AgeBand.FROM_16: Text(nl="van 16 of 17 jaar", en="of 16 or 17"),
    AgeBand.ADULT: Text(nl="van 18 jaar of ouder", en="of 18 or older"),
    AgeBand.UNKNOWN: Text(nl="van onbekende leeftijd", en="of unknown age"),
}
TIES: Final = {
    Tie.REPLY: Text(
        nl="antwoord op een bericht van de ontvanger; zonder wordt het nagekeken",
        en="reply to a message of the recipient; without one it is reviewed",
    ),
    Tie.ASKED: Text(nl="alleen wat de ontvanger heeft gevraagd", en="only what the recipient asked for"),
    Tie.MEASURE: Text(
        nl="er loopt een maatregel die de handelende instelling uitvoert",
        en="a measure runs that the acting institution carries out",
    ),
    Tie.MEASURE_OF_EITHER: Text(
        nl="er loopt een maatregel die een van beide instellingen uitvoert",
        en="a measure runs that one of both institutions carries out",
    ),
    Tie.CONSENT: Text(
        nl="toestemming van wie het betreft, naar leeftijd en gezag",
        en="consent of whom it is about, by age and authority",
    ),
    Tie.PRIOR: Text(
        nl="alleen wat deze ontvanger eerder kreeg en nu gecorrigeerd wordt",
        en="only what this recipient received before and is corrected now",
    ),
    Tie.RAAD_CASE: Text(
        nl="alleen in een zaak waarin de Raad partij is", en="only in a case that the Raad is party to"
    ),
}


def party_words(party: Party) -> Text:
    """A party: its role and, if it states one, its capacity; with what is wrong with it if something is."""
    role = _ROLES[party.role]
    if party.capacity is None:
        missing = party.role is Role.GI
        return _both(role, Text(nl=" zonder hoedanigheid", en=" without a capacity")) if missing else role
    capacity = _CAPACITIES[party.capacity]
    words = Text(nl=f"{role.nl} ({capacity.nl})", en=f"{role.en} ({capacity.en})")
    if party.capacity not in party.admitted:
        return _both(words, Text(nl=", daarin niet toegelaten", en=", not admitted in it"))
    return words


def side_words(side: Side) -> Text:
    """Everybody who may stand at a side of a row, in the order of the roles."""
    found = []
    for role in (role for role in Role if role in side.roles):
        if role is Role.GI:
            capacities = [_CAPACITIES[capacity] for capacity in Capacity if capacity in side.capacities]
            words = listed(capacities)
            found.append(Text(nl=f"{_ROLES[role].nl} ({words.nl})", en=f"{_ROLES[role].en} ({words.en})"))
        else:
            found.append(_ROLES[role])
    return listed(found)


def subject_words(role: SubjectRole, age: AgeBand) -> Text:
    """Whom an element is about."""
    return Text(nl=f"{_SUBJECTS[role].nl} {_AGES[age].nl}", en=f"{_SUBJECTS[role].en} {_AGES[age].en}")


def category_words(category: Category, definitions: Definitions) -> Text:
    """The name of a category, as the code list has it."""
    entries = definitions.code_lists["categorie"].codes.get(category.value, ())
    return Text(nl=entries[-1].nl, en=entries[-1].en) if entries else Text(nl=category.value, en=category.value)


def type_words(message_type: str, definitions: Definitions) -> Text:
    """The name of a message type; its code where the definitions do not have it."""
    known = definitions.message_types.get(message_type)
    return Text(nl=known.nl, en=known.en) if known else Text(nl=message_type, en=message_type)


def days_words(days: Days) -> Text:
    """A stretch of days."""
    match days.first, days.last:
        case None, None:
            return Text(nl="op elke dag", en="on every day")
        case None, last:
            return Text(nl=f"tot en met {last}", en=f"up to and including {last}")
        case first, None:
            return Text(nl=f"vanaf {first}", en=f"from {first}")
        case first, last:
            return Text(nl=f"van {first} tot en met {last}", en=f"from {first} up to and including {last}")


def basis_words(basis: Basis, catalogue: Catalogue) -> Text:
    """A law and its article."""
    law = catalogue.laws[basis.law]
    if basis.article is None:
        return law
    return Text(nl=f"{law.nl}, artikel {basis.article}", en=f"{law.en}, article {basis.article}")


def law_words(row: Ground, catalogue: Catalogue) -> Text:
    """Every law that a row rests on."""
    if not row.basis:
        return Text(nl="nog geen wetsartikel genoemd", en="no article of law named yet")
    each = [basis_words(basis, catalogue) for basis in row.basis]
    return Text(nl="; ".join(one.nl for one in each), en="; ".join(one.en for one in each))


def status_words(row: Ground) -> Text:
    """What stands behind a row wherever people see it: that it is a proposal; nothing where all of it was read."""
    return Text(nl=f" ({PROPOSED.nl})", en=f" ({PROPOSED.en})") if row.proposed else Text(nl="", en="")


def listed(texts: Sequence[Text]) -> Text:
    """Several in a row: `a, b en c`; nobody where there is none."""
    if not texts:
        return Text(nl="niemand", en="nobody")
    return Text(nl=_joined([one.nl for one in texts], "en"), en=_joined([one.en for one in texts], "and"))


def unique(texts: Iterable[Text]) -> tuple[Text, ...]:
    """Each text once, in the order of its first place."""
    return tuple(dict.fromkeys(texts))


def _joined(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _both(one: Text, other: Text) -> Text:
    return Text(nl=one.nl + other.nl, en=one.en + other.en)
