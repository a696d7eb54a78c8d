"""A decision in words: Dutch first, English second, with the law and how sure we are of it.

    >>> print(explain(decision, request=request, catalogue=catalogue).text)
    Verstrekt mag worden: jeugdige/birthDate (identificatie), van een gemeente aan de Raad voor de Kinderbescherming.
    Grondslag VTO, Verzoek tot onderzoek: Jeugdwet, artikel 2.4 lid 1; … (voorstel – nog niet bevestigd).
    …

The words hold no value and no identity: a decision knows none.

Source: the architecture, section 5.
"""

from dataclasses import dataclass
from typing import assert_never

from consent.decision import Decision, Deny, Permit
from consent.grounds import Catalogue, ConsentRule, Force, Ground, Status, Text
from consent.request import DisclosureRequest, Party
from schemas.codes import Capacity, Role

PROPOSED = Text(nl="voorstel – nog niet bevestigd", en="proposed, not confirmed")
"""What stands at every row whose duty or categories wait for confirmation."""

_FORCE = {
    Force.MAY: Text(nl="Verstrekken mag, het hoeft niet", en="To disclose is allowed, not required"),
    Force.MUST: Text(nl="Verstrekken moet", en="To disclose is required"),
}
_CONSENT = {
    ConsentRule.NONE: Text(nl="Toestemming is niet nodig.", en="Consent is not needed."),
    ConsentRule.REPRESENTATIVE: Text(
        nl="De GI stemt toe als wettelijk vertegenwoordiger.", en="The GI consents as legal representative."
    ),
    ConsentRule.PERSONS: Text(
        nl="Nodig is de toestemming van wie het betreft, naar leeftijd en gezag.",
        en="Needed is the consent of whom it is about, by age and authority.",
    ),
}
_ROLES = {
    Role.RAAD: Text(nl="de Raad voor de Kinderbescherming", en="the Raad voor de Kinderbescherming"),
    Role.GI: Text(nl="een gecertificeerde instelling", en="a certified institution"),
    Role.GEMEENTE: Text(nl="een gemeente", en="a gemeente"),
    Role.VEILIG_THUIS: Text(nl="Veilig Thuis", en="Veilig Thuis"),
    Role.TOEZICHTHOUDER: Text(nl="een toezichthouder", en="a supervisor"),
    Role.DASHBOARD: Text(nl="het dashboard", en="the dashboard"),
    Role.INKOOPORGANISATIE: Text(nl="een inkooporganisatie", en="a purchasing organisation"),
}
_CAPACITIES = {
    Capacity.OTS: Text(nl="ondertoezichtstelling", en="supervision order"),
    Capacity.VOOGDIJ: Text(nl="voogdij", en="guardianship"),
    Capacity.PREVENTIEF: Text(nl="preventief", en="preventive"),
    Capacity.JEUGDRECLASSERING: Text(nl="jeugdreclassering", en="youth probation"),
}
_OFF = Text(
    nl="Deze grondslag is niet ingeschakeld en staat niets toe.",
    en="This ground is not switched on and permits nothing.",
)
_PARENTS = Text(
    nl="De ouders moeten geïnformeerd zijn, of vastgelegd is waarom niet.",
    en="The parents have to be informed, or it is recorded why not.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why, in both languages, as sentences in one order.

    Attributes:
        nl: The sentences in Dutch.
        en: The same sentences in English.
    """

    nl: tuple[str, ...]
    en: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, Dutch first, one sentence a line, an empty line between the languages."""
        return "\n".join((*self.nl, "", *self.en))


def explain(decision: Decision, *, request: DisclosureRequest, catalogue: Catalogue) -> Explanation:
    """Say why an element may or may not go.

    Args:
        decision: What `decide` answered to this request by this catalogue.
        request: The request.
        catalogue: The catalogue that decided.

    Returns:
        Sentences in Dutch and English: the answer, the reasons or marks, then the ground with its law and status.

    Raises:
        KeyError: The permit names a row that this catalogue does not have: another catalogue decided.
    """
    match decision:
        case Permit():
            answer = Text(nl="Verstrekt mag worden", en="May be disclosed")
            why = [Text(nl=mark.nl, en=mark.en) for mark in decision.marks] + _relied_on(decision.relied_on)
            rows: tuple[Ground, ...] = (catalogue.row(decision.row),)
        case Deny():
            answer = Text(nl="Verstrekt mag niet worden", en="May not be disclosed")
            why = [Text(nl=reason.nl, en=reason.en) for reason in decision.reasons]
            rows = catalogue.rows(request.purpose)
        case _:
            assert_never(decision)
    sender, recipient = _party(request.sender), _party(request.recipient)
    element = f"{request.profile}/{request.element} ({request.category})"
    sentences = [
        Text(
            nl=f"{answer.nl}: {element}, van {sender.nl} aan {recipient.nl}.",
            en=f"{answer.en}: {element}, from {sender.en} to {recipient.en}.",
        ),
        *why,
        # Rows of one code say much the same: each sentence once.
        *dict.fromkeys(sentence for row in rows for sentence in explain_ground(row, catalogue=catalogue)),
    ]
    return Explanation(nl=tuple(each.nl for each in sentences), en=tuple(each.en for each in sentences))


def name_ground(row: Ground, *, catalogue: Catalogue) -> Text:
    """Name a row of the catalogue with its law, and say where anything about it is a proposal."""
    law, status = _law(row, catalogue), _status(proposed=row.proposed)
    return Text(
        nl=f"Grondslag {row.name}, {row.title.nl}: {law.nl}{status.nl}.",
        en=f"Ground {row.name}, {row.title.en}: {law.en}{status.en}.",
    )


def explain_ground(row: Ground, *, catalogue: Catalogue) -> tuple[Text, ...]:
    """Say what a row of the catalogue is: its law, its purpose, its consent, and how sure we are of it.

    Args:
        row: A row of the catalogue.
        catalogue: It holds the names of the laws.

    Returns:
        Sentences; where anything about the row is a proposal, the first one says so.
    """
    sentences = [
        name_ground(row, catalogue=catalogue),
        _validity(row),
        row.purpose,
    ]
    if not row.in_force:
        sentences.append(_OFF)
    if row.force is not None:
        force, duty = _FORCE[row.force], _status(proposed=row.duty is Status.PROPOSED)
        sentences.append(Text(nl=f"{force.nl}{duty.nl}.", en=f"{force.en}{duty.en}."))
    sentences.append(_CONSENT[row.consent])
    if row.spoed_hours is not None:
        sentences.append(
            Text(
                nl=f"Als spoed mag dit {row.spoed_hours} uur zolang de maatregel nog niet gemeld is.",
                en=f"As an emergency this may go for {row.spoed_hours} hours while the measure is not stated yet.",
            )
        )
    if row.inform_parents:
        sentences.append(_PARENTS)
    if row.note is not None:
        sentences.append(row.note)
    return tuple(sentences)


def _relied_on(identifiers: tuple[str, ...]) -> list[Text]:
    """Name the records that a permit rests on; a record's identifier says nothing of anybody."""
    if not identifiers:
        return []
    named = ", ".join(identifiers)
    return [Text(nl=f"Dit berust op vastlegging {named}.", en=f"This rests on record {named}.")]


def _validity(row: Ground) -> Text:
    start, end = row.valid_from.isoformat(), row.valid_until.isoformat() if row.valid_until else None
    if end is None:
        return Text(nl=f"{row.name} geldt vanaf {start}.", en=f"{row.name} holds from {start}.")
    return Text(
        nl=f"{row.name} geldt van {start} tot en met {end}.",
        en=f"{row.name} holds from {start} up to and including {end}.",
    )


def _status(*, proposed: bool) -> Text:
    return Text(nl=f" ({PROPOSED.nl})", en=f" ({PROPOSED.en})") if proposed else Text(nl="", en="")


def _law(row: Ground, catalogue: Catalogue) -> Text:
    if not row.basis:
        return Text(nl="nog geen wetsartikel genoemd", en="no article of law named yet")
    return Text(
        nl="; ".join(
            catalogue.laws[basis.law].nl + (f", artikel {basis.article}" if basis.article else "")
            for basis in row.basis
        ),
        en="; ".join(
            catalogue.laws[basis.law].en + (f", article {basis.article}" if basis.article else "")
            for basis in row.basis
        ),
    )


def _party(party: Party) -> Text:
    role = _ROLES[party.role]
    if party.capacity is None:
        return role
    capacity = _CAPACITIES[party.capacity]
    return Text(nl=f"{role.nl} ({capacity.nl})", en=f"{role.en} ({capacity.en})")
