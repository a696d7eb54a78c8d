"""What must hold of every permit of every catalogue: sentences for people, each with a check that a machine can make.

A check gets a question that was permitted, with its facts and the row that permitted it, and says whether the sentence
holds. It never asks `decide` how it came to its answer, and reads the facts by its own rules: it is written from the
law's words, not from the code.

What was corrected is an exception to most sentences on what somebody may receive: a correction goes to whoever received
the wrong data, and holds no kind of data beyond what was released then. That has a sentence of its own.

Source: the architecture, section 5; Jeugdwet 7.3.4, 7.3.5, 7.3.11; AVG 16 and 19.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import ConsentRule, Ground, Text, Tie
from consent.reasons import Mark
from consent.request import QUESTION_TYPE, DataSubject, DisclosureRequest, Facts, civil_day
from consent.space import ANY_OTHER, NO_SUCH_PURPOSE
from schemas.codes import AgeBand, Capacity, Category, Role, SubjectRole
from schemas.consents import Answer, Giver
from schemas.measures import MeasureType

_SUPERVISION: Final = frozenset({MeasureType.OTS, MeasureType.PROVISIONAL_OTS})
_GUARDIANS: Final = frozenset({Giver.PARENT, Giver.GUARDIAN})
_NEWS: Final = frozenset({Category.IDENTIFICATIE, Category.PROCES, Category.BESLUIT})
_NAMELESS: Final = frozenset({Category.KLACHT, Category.PROCES, Category.BESLUIT, Category.PROFESSIONAL})
_OUTSIDE_THE_CHAIN: Final = frozenset({Role.TOEZICHTHOUDER, Role.DASHBOARD, Role.INKOOPORGANISATIE})
_NEVER_BY_CONSENT: Final = frozenset({Category.STRAFRECHT, Category.KLACHT, Category.MELDER, Category.ADRES_GEHEIM})
_COUNTED: Final = frozenset({"code", "level", "domain", "statementType", "observedOn"})
_ANSWER_TYPE: Final = "informatieantwoord"
_PARAGRAPH_1: Final = "7.3.11 lid 1"
_PARAGRAPH_7_3: Final = re.compile(r"(?<![\d.:])7\.(?:3|x)")
_PLAINLY_ANOTHER: Final = re.compile(r"7\.3\.(?!11\b)\d+(?: lid \d+)?")
_NEXT: Final = {
    AgeBand.UNBORN: AgeBand.UNDER_12,
    AgeBand.UNDER_12: AgeBand.FROM_12,
    AgeBand.FROM_12: AgeBand.FROM_16,
    AgeBand.FROM_16: AgeBand.ADULT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """A question that was permitted.

    Attributes:
        request: The question.
        facts: What was known.
        at: When.
        row: The row that permitted it.
        marks: What the permit carries.
    """

    request: DisclosureRequest
    facts: Facts
    at: datetime
    row: Ground
    marks: tuple[Mark, ...]

    @property
    def day(self) -> date:
        """The day of the question in the Netherlands."""
        day = civil_day(self.at)
        assert day is not None
        return day


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A sentence that must hold of every permit.

    Attributes:
        code: Stable word for it.
        text: The sentence.
        holds: Whether it holds of one permit.
        of_facts: Whether it is about the facts; else it is about rows alone, and one situation of a frame is enough.
    """

    code: str
    text: Text
    holds: Callable[[Permitted], bool]
    of_facts: bool = False


def _corrected(one: Permitted) -> bool:
    return Tie.PRIOR in one.row.ties


def _only_to(*roles: Role, of: Category) -> Callable[[Permitted], bool]:
    return lambda one: one.request.category is not of or one.request.recipient.role in roles or _corrected(one)


def _no_health_or_justice_to_a_gemeente(one: Permitted) -> bool:
    if one.request.recipient.role is not Role.GEMEENTE or _corrected(one):
        return True
    if one.request.category is Category.GEZONDHEID:
        return one.row.code == "VRIJW" and one.row.consent is ConsentRule.PERSONS
    return one.request.category is not Category.STRAFRECHT


def _news_of_an_investigation(one: Permitted) -> bool:
    request = one.request
    relation = request.category is Category.GEZAG_RELATIES and request.element == "relationship"
    return one.row.code != "RVDK-NOT" or request.category in _NEWS or relation


def _row_holds(one: Permitted) -> bool:
    until = one.row.valid_until
    return one.row.in_force and one.row.valid_from <= one.day and (until is None or one.day <= until)


def _capacities(one: Permitted) -> bool:
    return all(
        (party.capacity in party.admitted and party.capacity in side.capacities)
        if party.role is Role.GI
        else party.capacity is None
        for party, side in ((one.request.sender, one.row.sender), (one.request.recipient, one.row.recipient))
    )


def _known(one: Permitted) -> bool:
    request = one.request
    return (
        request.purpose == one.row.code != NO_SUCH_PURPOSE
        and request.message_type in one.row.message_types
        and request.message_type != ANY_OTHER
        and request.category in one.row.categories
        and bool(request.subjects)
        and all(_age(subject, one.day) is not None for subject in request.subjects)
    )


def _nameless(one: Permitted) -> bool:
    if one.request.recipient.role not in _OUTSIDE_THE_CHAIN or _corrected(one):
        return True
    counted = one.request.category is Category.ZORGEN and one.request.element in _COUNTED
    return one.request.category in _NAMELESS or counted


def _of_the_message(one: Permitted) -> bool:
    """What a message says of itself: its reference, its question, a refusal, what it corrects; never of a person."""
    return one.request.category is Category.PROCES and one.request.profile in {"bericht", "vraag", "correctie"}


def _asked(one: Permitted) -> bool:
    reply = one.facts.reply
    if Tie.REPLY in one.row.ties and reply is not None and reply.message_type == QUESTION_TYPE:
        return False
    # Whether a row says that it asks for a question is not believed: what is sent as an answer to one has one.
    answers = _ANSWER_TYPE in one.row.message_types and Tie.REPLY not in one.row.ties
    if not (answers or Tie.ASKED in one.row.ties) or _of_the_message(one):
        return True
    return one.facts.question is not None and one.request.category in one.facts.question.categories


def _released_then(one: Permitted) -> bool:
    if not _corrected(one) or _of_the_message(one):
        return True
    return one.facts.corrected is not None and one.request.category in one.facts.corrected.categories


def _necessary(one: Permitted) -> bool:
    return one.request.category not in one.row.necessary or one.request.necessary is not None


# ---- a running supervision order ----


def _on_7_3_11_4(row: Ground) -> bool:
    """Whether a row rests on paragraph 4, however it spells that: paragraph 1 is the one that asks for consent."""
    named = (basis.article or ("7.3" if basis.law == "Jw" else "") for basis in row.basis)
    return row.code.startswith("GI-OTS-") or any(
        article != _PARAGRAPH_1 and _PARAGRAPH_7_3.search(article) and not _PLAINLY_ANOTHER.fullmatch(article)
        for article in named
    )


def _supervision_runs(one: Permitted) -> bool:
    """A supervision order runs for each child, carried out by the GI that acts in it; or an emergency still lasts."""
    if not _on_7_3_11_4(one.row):
        return True
    if one.request.spoed and Mark.SPOED in one.marks and _emergency_lasts(one):
        return True
    side = Executor.SENDER if _acts(one.row.sender.roles) else Executor.RECIPIENT
    acting = one.request.sender if side is Executor.SENDER else one.request.recipient
    everybody = [measure for person in one.facts.people for measure in person.measures]
    return acting.capacity is Capacity.OTS and all(
        any(
            _runs(measure, one.day) and measure.type in _SUPERVISION and measure.executor is side
            for measure in (_person(one.facts, subject).measures if subject.role is SubjectRole.JEUGDIGE else everybody)
        )
        for subject in one.request.subjects
    )


def _acts(roles: frozenset[Role]) -> bool:
    return roles == {Role.GI}


def _emergency_lasts(one: Permitted) -> bool:
    since = one.facts.spoed_since
    return one.row.spoed_hours is not None and (since is None or one.at - since < timedelta(hours=one.row.spoed_hours))


def _runs(measure: MeasureFact, day: date) -> bool:
    begun = measure.valid_from <= day and (measure.valid_until is None or day <= measure.valid_until)
    return begun and (measure.lapses_on is None or day < measure.lapses_on)


# ---- consent of whom it must be ----


def _by_consent(row: Ground) -> bool:
    """Whether a row rests on consent: by its own word, or by its code or its article whatever its word is."""
    named = any(basis.article == _PARAGRAPH_1 for basis in row.basis)
    return row.consent is ConsentRule.PERSONS or row.code == "VRIJW" or named


def _consents(one: Permitted) -> bool:
    """Each person has a consent of everybody who had to give it, by the age on the day, and nobody refused since."""
    return not _by_consent(one.row) or all(
        _consented(_person(one.facts, subject).consents, _age(subject, one.day), one)
        for subject in one.request.subjects
    )


def _consented(newest_first: tuple[ConsentFact, ...], age: AgeBand | None, one: Permitted) -> bool:
    for consent in newest_first:
        if not _speaks_of(consent, one):
            continue
        required = _required(consent, age)
        if any(given.answer is Answer.NO and given.who in required for given in consent.givers):
            return False
        if consent.by_sender and not consent.withdrawn and _complete(consent, required):
            return True
    return False


def _speaks_of(consent: ConsentFact, one: Permitted) -> bool:
    """Whether a consent, or a refusal, is about this disclosure and its days are not over."""
    return (
        consent.for_recipient
        and consent.valid_from <= one.day <= consent.valid_until
        and one.request.category in consent.categories
        and one.request.purpose in consent.purposes
    )


def _required(consent: ConsentFact, age: AgeBand | None) -> frozenset[Giver]:
    """Whose yes it takes: by age, and by whom an incapable person is represented."""
    if age is AgeBand.ADULT:
        return frozenset({Giver.REPRESENTATIVE}) if consent.incapable else frozenset({Giver.SELF})
    if age in (AgeBand.UNBORN, AgeBand.UNDER_12) or (consent.incapable and age in (AgeBand.FROM_12, AgeBand.FROM_16)):
        return _GUARDIANS
    if age is AgeBand.FROM_16:
        return frozenset({Giver.SELF})
    if age is AgeBand.FROM_12:
        alone = consent.without_parents is not None
        return frozenset({Giver.SELF}) if alone else _GUARDIANS | {Giver.SELF}
    return frozenset()


def _complete(consent: ConsentFact, required: frozenset[Giver]) -> bool:
    """Whether everybody who has to say yes did: of those with authority, as many as there are."""
    yes = [given.who for given in consent.givers if given.answer is Answer.YES]
    with_authority = sum(who in _GUARDIANS for who in yes)
    single = required - _GUARDIANS
    if not required or not single <= set(yes):
        return False
    return not required & _GUARDIANS or with_authority >= max(1, consent.holders)


def _person(facts: Facts, subject: DataSubject) -> PersonFacts:
    return facts.people[subject.place] if subject.place < len(facts.people) else PersonFacts()


def _age(subject: DataSubject, day: date) -> AgeBand | None:
    """The age band on the day, by the birthday that the message names; None where the two contradict each other."""
    if subject.turns is None:
        return subject.age
    return subject.age if day < subject.turns and subject.age in _NEXT else _NEXT.get(subject.age)


INVARIANTS: Final = (
    Invariant(
        code="toestemming",
        text=Text(
            nl="Op een grondslag die om toestemming vraagt, gaat niets zonder de toestemming van iedereen die haar "
            "naar leeftijd en gezag moet geven.",
            en="On a ground that asks for consent nothing goes without the consent of everybody who has to give it by "
            "age and authority.",
        ),
        holds=_consents,
        of_facts=True,
    ),
    Invariant(
        code="nooit-met-toestemming",
        text=Text(
            nl="Met toestemming gaan nooit gegevens over strafrecht, klachten of een melder, en nooit een geheim "
            "adres.",
            en="By consent no data on criminal justice, complaints or a reporter ever go, and never a secret address.",
        ),
        holds=lambda one: not _by_consent(one.row) or one.request.category not in _NEVER_BY_CONSENT,
    ),
    Invariant(
        code="gemeente",
        text=Text(
            nl="Een gemeente krijgt niets over strafrecht, en over gezondheid alleen met toestemming in de vrijwillige "
            "fase (VRIJW). Een correctie van wat zij al kreeg, gaat wel.",
            en="A gemeente gets nothing on criminal justice, and on health only by consent in the voluntary phase "
            "(VRIJW). A correction of what it already got does go.",
        ),
        holds=_no_health_or_justice_to_a_gemeente,
    ),
    Invariant(
        code="notificatie",
        text=Text(
            nl="Op RVDK-NOT gaat niets anders dan identificatie, proces en besluit, en van gezag en relaties alleen "
            "`relationship`.",
            en="On RVDK-NOT nothing goes but identification, process and decision, and of authority and relations only "
            "`relationship`.",
        ),
        holds=_news_of_an_investigation,
    ),
    Invariant(
        code="ondertoezichtstelling",
        text=Text(
            nl="Op artikel 7.3.11 lid 4 gaat niets zonder een lopende ondertoezichtstelling die de handelende "
            "instelling uitvoert; bij spoed alleen zolang de rij dat toelaat, en altijd als spoed gemerkt.",
            en="On article 7.3.11(4) nothing goes without a running supervision order that the acting institution "
            "carries out; in an emergency only as long as the row lets it, and always marked as one.",
        ),
        holds=_supervision_runs,
        of_facts=True,
    ),
    Invariant(
        code="geheim-adres",
        text=Text(
            nl="Een geheim adres gaat nooit verder dan de Raad en een gecertificeerde instelling.",
            en="A secret address never goes beyond the Raad and a certified institution.",
        ),
        holds=_only_to(Role.RAAD, Role.GI, of=Category.ADRES_GEHEIM),
    ),
    Invariant(
        code="melder",
        text=Text(
            nl="Wie een melder is, gaat nooit verder dan de Raad en Veilig Thuis.",
            en="Who a reporter is never goes beyond the Raad and Veilig Thuis.",
        ),
        holds=_only_to(Role.RAAD, Role.VEILIG_THUIS, of=Category.MELDER),
    ),
    Invariant(
        code="zonder-naam",
        text=Text(
            nl="Een toezichthouder, het dashboard en een inkooporganisatie krijgen alleen klacht, proces, besluit en "
            "professional, en van zorgen alleen `code`, `level`, `domain`, `statementType` en `observedOn`. Een "
            "correctie van wat zij al kregen, gaat wel.",
            en="A supervisor, the dashboard and a purchasing organisation get complaint, process, decision and "
            "professional only, and of concerns only `code`, `level`, `domain`, `statementType` and `observedOn`. A "
            "correction of what they already got does go.",
        ),
        holds=_nameless,
    ),
    Invariant(
        code="gevraagd",
        text=Text(
            nl="Een antwoord op een vraag bevat niets dat niet gevraagd is, behalve wat het bericht van zichzelf zegt, "
            "en gaat niet op een grondslag voor andere antwoorden.",
            en="An answer to a question holds nothing that was not asked, but for what the message says of itself, and "
            "does not go on a ground for other answers.",
        ),
        holds=_asked,
        of_facts=True,
    ),
    Invariant(
        code="correctie",
        text=Text(
            nl="Een correctie bevat geen soort gegevens die deze ontvanger toen niet kreeg, behalve wat het "
            "bericht van zichzelf zegt.",
            en="A correction holds no kind of data that this recipient did not get then, but for what the message "
            "says of itself.",
        ),
        holds=_released_then,
        of_facts=True,
    ),
    Invariant(
        code="noodzaak",
        text=Text(
            nl="Wat alleen mag als het noodzakelijk is, gaat niet zonder dat iemand het noodzakelijk noemde.",
            en="What may go only when necessary does not go unless somebody called it necessary.",
        ),
        holds=_necessary,
    ),
    Invariant(
        code="geldig",
        text=Text(
            nl="Een rij die uit staat, nog niet geldt of niet meer geldt, laat niets toe.",
            en="A row that is off, does not hold yet or holds no more permits nothing.",
        ),
        holds=_row_holds,
    ),
    Invariant(
        code="hoedanigheid",
        text=Text(
            nl="Een gecertificeerde instelling zendt en ontvangt alleen in een hoedanigheid waarin zij is toegelaten "
            "en die de rij noemt; niemand anders heeft een hoedanigheid.",
            en="A certified institution sends and receives only in a capacity in which it was admitted and that the "
            "row names; nobody else has a capacity.",
        ),
        holds=_capacities,
    ),
    Invariant(
        code="onbekend",
        text=Text(
            nl="Wat onbekend is, krijgt nee: een onbekend doel, soort bericht of soort gegevens, niemand over wie het "
            "gaat, een leeftijd die zichzelf tegenspreekt, een vraag die geen vraag is.",
            en="What is unknown is denied: an unknown purpose, message type or category, nobody whom it is about, an "
            "age that contradicts itself, a question that is none.",
        ),
        holds=_known,
        of_facts=True,
    ),
)
"""All of them, in the order in which people read them."""

DENIAL_ADDED: Final = Text(
    nl="Een nee erbij laat nooit iets toe: een rij die uitgaat, korter geldt of minder noemt, een band erbij, een "
    "toestemming die wordt ingetrokken of geweigerd, een maatregel die eindigt of wordt betwist.",
    en="Adding a denial never permits: a row that is switched off, holds shorter or names less, one more tie, a "
    "consent that is withdrawn or refused, a measure that ends or is contested.",
)
"""The sentence that compares two questions, or two catalogues, instead of looking at one."""
