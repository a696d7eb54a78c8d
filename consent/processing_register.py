"""The register of processing activities, as far as a catalogue and the definitions can fill it.

One activity is one ground: all rows of a code. What the catalogue says is filled in: purpose, law, who gives and who
receives, categories of persons and of data, special categories, what binds it to the case. What only an organisation
knows about itself (its name, its officer, how long it keeps its own file) stands as a field to fill in, not as a guess.

A register is made for everybody, or for one role: then it holds the activities in which that role gives or receives.

Source: GDPR 30(1) and (2), 9 and 10; the architecture, section 9.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from consent.explain import PROPOSED
from consent.grounds import Catalogue, ConsentRule, Ground, Text
from consent.telling import TIES, category_words, law_words, side_words, type_words, unique
from schemas.codes import Category, Role
from schemas.definitions import Definitions
from schemas.document import JSONValue

FILL_IN: Final = Text(nl="[in te vullen door de organisatie]", en="[to be filled in by the organisation]")

_PERSONS: Final = {
    "jeugdige": Text(nl="jeugdigen", en="young persons"),
    "gezagsdrager": Text(nl="ouders en anderen met gezag", en="parents and others with authority"),
    "andere-persoon": Text(nl="andere personen om de jeugdige heen", en="other persons around the young person"),
    "melder": Text(nl="melders", en="reporters"),
    "professional": Text(nl="professionals", en="professionals"),
}
_SPECIAL: Final = {
    Category.GEZONDHEID: Text(nl="gezondheid (AVG artikel 9)", en="health (GDPR article 9)"),
    Category.STRAFRECHT: Text(nl="strafrecht (AVG artikel 10)", en="criminal justice (GDPR article 10)"),
}
_CONSENT: Final = {
    ConsentRule.NONE: Text(nl="niet nodig", en="not needed"),
    ConsentRule.REPRESENTATIVE: Text(nl="de instelling als vertegenwoordiger", en="the institution as representative"),
    ConsentRule.PERSONS: Text(
        nl="van wie het betreft, naar leeftijd en gezag", en="of whom it is about, by age and authority"
    ),
}
_SECURITY: Final = Text(
    nl="Elk gegeven is apart verzegeld voor één ontvanger; de hub kan geen waarde lezen. Elk gegeven wordt drie keer "
    "beoordeeld: bij de afzender, bij aanname en bij ophalen. Elke verstrekking staat in een log waarin niets "
    "ongemerkt verandert. Berichten zijn ondertekend.",
    en="Each element is sealed by itself for one recipient; the hub can read no value. Each element is decided three "
    "times: at the sender, on acceptance and at pick-up. Every disclosure stands in a log in which nothing changes "
    "unnoticed. Messages are signed.",
)
_HUB_KEEPS: Final = Text(
    nl="Bij de hub: de verzegelde inhoud tot het ontvangstbewijs dat haar aanvaardt, of tot de uiterste ophaaldatum "
    "(ten hoogste 30 dagen); kop, labels en pseudoniemen van een bericht zonder einddatum. In het eigen dossier: ",
    en="At the hub: the sealed content until the receipt that accepts it, or until the last day for pick-up (at most "
    "30 days); heading, labels and pseudonyms of a message without an end. In one's own file: ",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One activity of the register: a ground, with the texts of all its rows.

    Attributes:
        code: Code of the ground.
        title: What it is called.
        purposes: GDPR 30(1)(b).
        laws: What it rests on.
        ways: Who gives to whom.
        subjects: Categories of persons, GDPR 30(1)(c); empty where no message type carries it yet.
        categories: Categories of data, GDPR 30(1)(c), with their limits.
        special: Categories under GDPR 9 and 10.
        messages: The message types.
        ties: What binds it to the case.
        consent: Whether consent is asked.
        days: When it holds, as words.
        in_force: Whether any row is switched on.
        proposed: Whether any part waits for confirmation.
    """

    code: str
    title: Text
    purposes: tuple[Text, ...]
    laws: tuple[Text, ...]
    ways: tuple[tuple[Text, Text], ...]
    subjects: tuple[Text, ...]
    categories: tuple[Text, ...]
    special: tuple[Text, ...]
    messages: tuple[Text, ...]
    ties: tuple[Text, ...]
    consent: tuple[Text, ...]
    days: tuple[Text, ...]
    in_force: bool
    proposed: bool


def activities(catalogue: Catalogue, *, definitions: Definitions, role: Role | None = None) -> tuple[Activity, ...]:
    """Make the activities of a catalogue, in its order.

    Args:
        catalogue: The grounds.
        definitions: They name categories and message types, and say which persons a message type speaks of.
        role: Only those in which this role gives or receives; None is all of them.
    """
    codes = dict.fromkeys(row.code for row in catalogue.grounds)
    chosen = (
        tuple(row for row in catalogue.rows(code) if role is None or role in row.sender.roles | row.recipient.roles)
        for code in codes
    )
    return tuple(_activity(rows, catalogue, definitions) for rows in chosen if rows)


def to_json(found: tuple[Activity, ...], *, catalogue: Catalogue, on: date) -> JSONValue:
    """The register as JSON: the same texts, each in both languages."""
    return {
        "register": "AVG 30",
        "catalogue": {"version": catalogue.version, "digest": catalogue.digest},
        "made_on": on.isoformat(),
        "controller": _json(FILL_IN),
        "security": _json(_SECURITY),
        "retention": _json(_keeping()),
        "transfers": _json(FILL_IN),
        "activities": [
            {
                "code": each.code,
                "title": _json(each.title),
                "purposes": [_json(text) for text in each.purposes],
                "legal_basis": [_json(text) for text in each.laws],
                "ways": [{"from": _json(sender), "to": _json(recipient)} for sender, recipient in each.ways],
                "data_subjects": [_json(text) for text in each.subjects],
                "categories": [_json(text) for text in each.categories],
                "special_categories": [_json(text) for text in each.special],
                "messages": [_json(text) for text in each.messages],
                "ties": [_json(text) for text in each.ties],
                "consent": [_json(text) for text in each.consent],
                "validity": [_json(text) for text in each.days],
                "in_force": each.in_force,
                "proposed": each.proposed,
            }
            for each in found
        ],
    }


def to_markdown(found: tuple[Activity, ...], *, catalogue: Catalogue, on: date) -> str:
    """The register as Markdown: first all of it in Dutch, then all of it in English."""
    return "\n".join((*_pages(found, catalogue, on, "nl"), "", *_pages(found, catalogue, on, "en"), ""))


_HEADS: Final = {
    "nl": (
        "Register van verwerkingsactiviteiten (AVG artikel 30)",
        "Gemaakt op {on} uit catalogus {version} (`{digest}`). Wat tussen rechte haken staat, vult de organisatie aan.",
        "Verwerkingsverantwoordelijke, contactgegevens, functionaris gegevensbescherming",
        "Doorgifte buiten de Europese Unie",
        "Beveiliging",
        "Bewaartermijn",
        (
            "doel|grondslag in de wet|van – aan|categorieën van betrokkenen|categorieën van gegevens|"
            "bijzondere gegevens|soorten bericht|alleen als|toestemming|geldigheid"
        ),
        "staat uit",
        "nog geen soort bericht",
        "geen",
    ),
    "en": (
        "Record of processing activities (GDPR article 30)",
        "Made on {on} from catalogue {version} (`{digest}`). What stands in brackets, the organisation fills in.",
        "Controller, contact details, data protection officer",
        "Transfer outside the European Union",
        "Security",
        "Retention",
        (
            "purpose|legal basis|from – to|categories of data subjects|categories of data|special categories|"
            "message types|only if|consent|validity"
        ),
        "switched off",
        "no message type yet",
        "none",
    ),
}


def _pages(found: tuple[Activity, ...], catalogue: Catalogue, on: date, language: str) -> Iterator[str]:
    title, made, controller, transfer, security, keeping, labels, off, no_type, none = _HEADS[language]
    yield from (
        f"# {title}",
        "",
        made.format(on=on.isoformat(), version=catalogue.version, digest=catalogue.digest),
        "",
    )
    for head, text in ((controller, FILL_IN), (transfer, FILL_IN), (security, _SECURITY), (keeping, _keeping())):
        yield f"- **{head}:** {_in(text, language)}"
    for each in found:
        marks = [off] * (not each.in_force) + [_in(PROPOSED, language)] * each.proposed
        yield from (
            "",
            f"## {each.code}: {_in(each.title, language)}" + (f" ({'; '.join(marks)})" if marks else ""),
            "",
        )
        values = (
            "; ".join(_in(text, language) for text in texts) or empty
            for texts, empty in (
                (each.purposes, none),
                (each.laws, none),
                (tuple(Text(nl=f"{s.nl} – {r.nl}", en=f"{s.en} – {r.en}") for s, r in each.ways), none),
                (each.subjects, no_type),
                (each.categories, none),
                (each.special, none),
                (each.messages, no_type),
                (each.ties, none),
                (each.consent, none),
                (each.days, none),
            )
        )
        for label, value in zip(labels.split("|"), values, strict=True):
            yield f"- **{label}:** {value}"


def _activity(rows: tuple[Ground, ...], catalogue: Catalogue, definitions: Definitions) -> Activity:
    categories = [category for category in Category if any(category in row.categories for row in rows)]
    return Activity(
        code=rows[0].code,
        title=rows[0].title,
        purposes=unique(row.purpose for row in rows),
        laws=unique(law_words(row, catalogue) for row in rows),
        ways=tuple(dict.fromkeys((side_words(row.sender), side_words(row.recipient)) for row in rows)),
        subjects=_subjects(rows, definitions),
        categories=tuple(_category(category, rows, definitions) for category in categories),
        special=tuple(_SPECIAL[category] for category in categories if category in _SPECIAL),
        messages=unique(type_words(name, definitions) for row in rows for name in sorted(row.message_types)),
        ties=unique(TIES[tie] for row in rows for tie in row.ties),
        consent=unique(_CONSENT[row.consent] for row in rows),
        days=unique(_validity(row) for row in rows),
        in_force=any(row.in_force for row in rows),
        proposed=any(row.proposed for row in rows),
    )


def _subjects(rows: tuple[Ground, ...], definitions: Definitions) -> tuple[Text, ...]:
    """The persons of whom a message of these rows can hold something that they allow."""
    found = set()
    for row in rows:
        for name in row.message_types & definitions.message_types.keys():
            for profile, rule in definitions.message_types[name].content.items():
                elements = definitions.profile(profile).elements
                if any(elements[element].category in row.categories for element in rule.elements):
                    found.add(profile)
    return tuple(text for profile, text in _PERSONS.items() if profile in found)


def _category(category: Category, rows: tuple[Ground, ...], definitions: Definitions) -> Text:
    words = category_words(category, definitions)
    named = [row for row in rows if category in row.categories]
    if all(category in row.only for row in named):
        only = ", ".join(sorted({element for row in named for element in row.only[category]}))
        words = Text(nl=f"{words.nl} (alleen {only})", en=f"{words.en} (only {only})")
    if all(category in row.necessary for row in named):
        words = Text(nl=f"{words.nl} (alleen wat noodzakelijk is)", en=f"{words.en} (only what is necessary)")
    return words


def _validity(row: Ground) -> Text:
    if row.valid_until is None:
        return Text(nl=f"vanaf {row.valid_from}", en=f"from {row.valid_from}")
    return Text(
        nl=f"van {row.valid_from} tot en met {row.valid_until}",
        en=f"from {row.valid_from} up to and including {row.valid_until}",
    )


def _keeping() -> Text:
    return Text(nl=_HUB_KEEPS.nl + FILL_IN.nl, en=_HUB_KEEPS.en + FILL_IN.en)


def _in(text: Text, language: str) -> str:
    return text.nl if language == "nl" else text.en


def _json(text: Text) -> JSONValue:
    return {"nl": text.nl, "en": text.en}
