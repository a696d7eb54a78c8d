"""A question and what is known beside it, in plain words: the examples in proofs and comparisons."""

from datetime import date, datetime
from typing import Final

from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Text
from consent.request import DisclosureRequest, Facts, civil_day
from consent.telling import category_words, listed, party_words, subject_words, type_words
from schemas.codes import Category
from schemas.consents import Answer, Giver, WithoutParents
from schemas.definitions import Definitions
from schemas.measures import MeasureType

_GIVERS: Final = {
    Giver.SELF: Text(nl="de persoon zelf", en="the person"),
    Giver.PARENT: Text(nl="een ouder met gezag", en="a parent with authority"),
    Giver.GUARDIAN: Text(nl="de voogd", en="the guardian"),
    Giver.REPRESENTATIVE: Text(nl="de vertegenwoordiger", en="the representative"),
}
_ANSWERS: Final = {Answer.YES: Text(nl="ja", en="yes"), Answer.NO: Text(nl="nee", en="no")}
_WITHOUT: Final = {
    WithoutParents.SERIOUS_DISADVANTAGE: Text(
        nl="zonder de ouders, om ernstig nadeel te voorkomen", en="without the parents, to prevent serious disadvantage"
    ),
    WithoutParents.CONSIDERED: Text(nl="zonder de ouders, weloverwogen", en="without the parents, after consideration"),
}
_MEASURES: Final = {
    MeasureType.OTS: Text(nl="ondertoezichtstelling", en="supervision order"),
    MeasureType.PROVISIONAL_OTS: Text(nl="voorlopige ondertoezichtstelling", en="provisional supervision order"),
    MeasureType.VOOGDIJ: Text(nl="voogdij", en="guardianship"),
    MeasureType.PROVISIONAL_VOOGDIJ: Text(nl="voorlopige voogdij", en="provisional guardianship"),
}
_EXECUTORS: Final = {
    Executor.SENDER: Text(nl="uitgevoerd door de afzender", en="carried out by the sender"),
    Executor.RECIPIENT: Text(nl="uitgevoerd door de ontvanger", en="carried out by the recipient"),
    Executor.OTHER: Text(nl="uitgevoerd door een ander", en="carried out by somebody else"),
}


def question_words(
    request: DisclosureRequest, *, facts: Facts, at: datetime, definitions: Definitions
) -> tuple[Text, ...]:
    """Say a question in sentences: what goes from whom to whom, about whom, and what is known.

    Args:
        request: The question.
        facts: What is known.
        at: When.
        definitions: They hold the names of categories and message types.
    """
    day = civil_day(at)
    assert day is not None
    sender, recipient = party_words(request.sender), party_words(request.recipient)
    category = category_words(request.category, definitions)
    message = type_words(request.message_type, definitions)
    about = listed([subject_words(subject.role, subject.age) for subject in request.subjects])
    label = f"{request.profile}/{request.element}"
    sentences = [
        Text(
            nl=f"Op {day}: {label} ({category.nl}) van {sender.nl} aan {recipient.nl}, op grond van {request.purpose}, "
            f"in het bericht `{message.nl}`.",
            en=f"On {day}: {label} ({category.en}) from {sender.en} to {recipient.en}, on ground {request.purpose}, "
            f"in the message `{message.en}`.",
        ),
        Text(nl=f"Het gaat over: {about.nl}.", en=f"It is about: {about.en}."),
    ]
    if request.necessary is not None:
        sentences.append(Text(nl="Het is als noodzakelijk gemerkt.", en="It is marked as necessary."))
    if request.spoed:
        sentences.append(_emergency(facts, at))
    sentences += facts_words(facts, day=day)
    return tuple(sentences)


def facts_words(facts: Facts, *, day: date) -> list[Text]:
    """Say what is known, as of a day; one sentence where nothing is."""
    found: list[Text] = []
    if facts.question is not None:
        asked = _categories(facts.question.categories)
        found.append(Text(nl=f"De ontvanger vroeg om: {asked}.", en=f"The recipient asked for: {asked}."))
    elif facts.reply is not None:
        found.append(
            Text(
                nl=f"Het antwoordt op een bericht van de ontvanger: {facts.reply.message_type}.",
                en=f"It answers a message of the recipient: {facts.reply.message_type}.",
            )
        )
    if facts.corrected is not None:
        then = _categories(facts.corrected.categories)
        found.append(Text(nl=f"De ontvanger kreeg toen: {then}.", en=f"The recipient got then: {then}."))
    for number, person in enumerate(facts.people, start=1):
        found += _person(person, number if len(facts.people) > 1 else None, day)
    return found or [Text(nl="Verder is er niets bekend.", en="Nothing else is known.")]


def _person(person: PersonFacts, number: int | None, day: date) -> list[Text]:
    who = Text(nl="", en="") if number is None else Text(nl=f"Persoon {number}: ", en=f"Person {number}: ")
    each = [*(_consent(one, day) for one in person.consents), *(_measure(one, day) for one in person.measures)]
    return [Text(nl=who.nl + text.nl, en=who.en + text.en) for text in each]


def _emergency(facts: Facts, at: datetime) -> Text:
    if facts.spoed_since is None:
        return Text(nl="Het is spoed, voor het eerst.", en="It is an emergency, for the first time.")
    hours = (at - facts.spoed_since).total_seconds() / 3600
    return Text(nl=f"Het is spoed, sinds {hours:g} uur.", en=f"It is an emergency, for {hours:g} hours.")


def _consent(consent: ConsentFact, day: date) -> Text:
    said = listed(
        [
            Text(
                nl=f"{_GIVERS[given.who].nl} zei {_ANSWERS[given.answer].nl}",
                en=f"{_GIVERS[given.who].en} said {_ANSWERS[given.answer].en}",
            )
            for given in consent.givers
        ]
    )
    facts = [
        Text(
            nl=f"toestemming van {consent.valid_from} tot en met {consent.valid_until}: {said.nl}",
            en=f"consent from {consent.valid_from} to {consent.valid_until}: {said.en}",
        ),
        Text(nl=f"{consent.holders} met gezag", en=f"{consent.holders} with authority"),
        Text(nl=f"voor {_categories(consent.categories)}", en=f"for {_categories(consent.categories)}"),
        Text(nl=f"op {', '.join(sorted(consent.purposes))}", en=f"on {', '.join(sorted(consent.purposes))}"),
    ]
    for true, nl, en in (
        (consent.incapable, "niet in staat het te wegen", "not capable of weighing it"),
        (not consent.by_sender, "niet door de afzender vastgelegd", "not recorded by the sender"),
        (not consent.for_recipient, "niet voor deze ontvanger", "not for this recipient"),
        (consent.withdrawn, "ingetrokken", "withdrawn"),
        (day < consent.valid_from, "nog niet begonnen", "not begun yet"),
        (consent.valid_until < day, "verlopen", "expired"),
    ):
        if true:
            facts.append(Text(nl=nl, en=en))
    if consent.without_parents is not None:
        facts.append(_WITHOUT[consent.without_parents])
    return _sentence(facts)


def _measure(measure: MeasureFact, day: date) -> Text:
    until = Text(nl="zonder einddatum", en="without an end")
    if measure.valid_until is not None:
        until = Text(nl=f"tot en met {measure.valid_until}", en=f"to {measure.valid_until}")
    name = _MEASURES[measure.type]
    facts = [
        Text(nl=f"{name.nl} van {measure.valid_from} {until.nl}", en=f"{name.en} from {measure.valid_from} {until.en}"),
        _EXECUTORS[measure.executor],
    ]
    if measure.valid_until is not None and measure.valid_until < day:
        facts.append(Text(nl="afgelopen", en="ended"))
    if day < measure.valid_from:
        facts.append(Text(nl="nog niet begonnen", en="not begun yet"))
    if measure.lapses_on is not None:
        facts.append(
            Text(
                nl=f"alleen door de uitvoerder gemeld, telt tot {measure.lapses_on}",
                en=f"stated by the executor alone, counts until {measure.lapses_on}",
            )
        )
    return _sentence(facts)


def _sentence(parts: list[Text]) -> Text:
    nl, en = "; ".join(part.nl for part in parts), "; ".join(part.en for part in parts)
    return Text(nl=f"{nl[0].upper()}{nl[1:]}.", en=f"{en[0].upper()}{en[1:]}.")


def _categories(categories: frozenset[Category]) -> str:
    return ", ".join(category.value for category in Category if category in categories)
