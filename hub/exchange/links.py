"""Join two pseudonyms of one person: what is stated of one is from then on found under the other.

A link widens what a decision finds, so it is not believed beyond what it can be: its issuer has sent or received a
message about the pseudonym that was drawn, and a person has one pseudonym made of the number in each epoch. Which of
two was drawn the hub cannot see. So no GI links: it acts under measures, and would say by itself over whom they run.
And somebody looks at every link of a drawn pseudonym. That two were made of one number in two epochs, whoever knows the
number checks by computing them: each connector that uses such a link does. The hub cannot, so somebody looks at it too
where it makes something count that its issuer did not record itself, or a measure.

Source: the architecture, section 3.
"""

from collections import defaultdict
from typing import Final

from hub.changes import Change, ReviewItem, TagsLinked
from hub.exchange.known import consents_of, links_of, measures_of
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.exchange.stating import Form, Stating, Taken, refuse, take_in
from schemas.codes import EntryKind, Role, TokenType
from schemas.errors import Issue
from schemas.identifiers import SubjectTag
from schemas.links import Link, parse_link

PSEUDONYMS_MAX: Final = 32
"""Of one person: a few drawn ones, and one of the number in each epoch."""

LINKED: Final = "linked"
"""Why a link is on the review list: nobody takes it back, and the hub cannot know that it is true."""


async def link(token: str, *, arrival: Arrival, services: Services) -> Taken:
    """Take in a link; the same link again gets the same answer.

    Raises:
        RejectedMessageError: See `take_in`; the issuer has nothing to do with the person, or it cannot be one person.
        UnavailableError: It may succeed later; nothing was changed.
    """
    return await take_in(token, form=_FORM, arrival=arrival, services=services)


async def _change(stating: Stating[Link]) -> Change:
    claims = stating.request.claims
    issues = list(_find_issues(stating))
    if not await _is_party(stating):
        issues.append(_STRANGER)
    if stating.request.participant.role is Role.GI:
        issues.append(_ACTING)
    refuse("the link does not fit what is known of these pseudonyms", issues)
    review = ReviewItem(about=claims.id, mark=LINKED, sender=claims.issuer, recipient=claims.issuer)
    return TagsLinked(
        id=claims.id,
        issuer=claims.issuer,
        other=claims.other,
        known=claims.known,
        token=stating.request.token,
        reviews=(review,) if claims.random is not None or _widens(stating) else (),
    )


def _widens(stating: Stating[Link]) -> bool:
    """Whether more is joined than consents that the issuer recorded itself."""
    people = (stating.persons[stating.request.claims.other], stating.persons[stating.request.claims.known])
    recorded = {each.issuer for person in people for each in consents_of(person)}
    return bool(recorded - {stating.request.claims.issuer}) or any(measures_of(person) for person in people)


async def _is_party(stating: Stating[Link]) -> bool:
    """Whether the issuer has to do with the person: it exchanged a message about the pseudonym.

    Of one that was made of a number it may also have recorded something, and sent nothing yet.
    """
    claims = stating.request.claims
    if await stating.services.persons.is_party(claims.issuer, about=claims.other):
        return True
    if claims.former is None:
        return False
    person = stating.persons[claims.former]
    recorded = [(each.issuer, each.tag) for each in consents_of(person)]
    recorded += [(each.issuer, each.tag) for each in measures_of(person)]
    return (claims.issuer, claims.former) in recorded


def _find_issues(stating: Stating[Link]) -> tuple[Issue, ...]:
    links = {*links_of(stating.persons.values()), stating.request.claims}
    of_number = {tag for each in links for tag in (each.known, each.former) if tag is not None}
    by_epoch: dict[int, set[SubjectTag]] = defaultdict(set)
    for tag in of_number:
        by_epoch[tag.epoch].add(tag)
    found: list[Issue] = []
    if stating.request.claims.known in stating.persons[stating.request.claims.other].tags:
        found.append(_ALREADY)
    if of_number & {each.random for each in links}:
        found.append(_BOTH)
    if any(len(tags) > 1 for tags in by_epoch.values()):
        found.append(_TWO_PERSONS)
    if len(stating.tags) > PSEUDONYMS_MAX:
        found.append(_TOO_MANY)
    return tuple(found)


def _issue(pointer: str, code: str, text: str, text_nl: str) -> Issue:
    return Issue(pointer=pointer, code=code, text=text, text_nl=text_nl)


_STRANGER: Final = _issue(
    "/iss",
    "sender.link.stranger",
    "you sent or received no message about this pseudonym, and recorded nothing under it",
    "u hebt over dit pseudoniem geen bericht verstuurd of ontvangen, en er niets onder vastgelegd",
)
_ACTING: Final = _issue(
    "/iss",
    "sender.link.acting",
    "who acts under measures does not say over whom they run: ask the Raad, the gemeente or Veilig Thuis to link",
    "wie onder maatregelen handelt, zegt niet over wie zij lopen: vraag Raad, gemeente of Veilig Thuis om te koppelen",
)
_ALREADY: Final = _issue(
    "/known",
    "sender.link.already",
    "these pseudonyms are linked already",
    "deze pseudoniemen zijn al gekoppeld",
)
_BOTH: Final = _issue(
    "/known",
    "sender.link.both",
    "one of the pseudonyms is said to be drawn in one link and made of the number in another",
    "een van de pseudoniemen zou volgens de ene koppeling getrokken zijn en volgens de andere van het nummer gemaakt",
)
_TWO_PERSONS: Final = _issue(
    "/known",
    "sender.link.other",
    "the person would have two pseudonyms made of the number in one epoch: these are two persons",
    "de persoon zou in één tijdvak twee pseudoniemen van het nummer hebben: dit zijn twee personen",
)
_TOO_MANY: Final = _issue(
    "/random",
    "sender.link.too-many",
    f"a person has at most {PSEUDONYMS_MAX} pseudonyms",
    f"een persoon heeft ten hoogste {PSEUDONYMS_MAX} pseudoniemen",
)
_FORM: Final = Form(
    kind=EntryKind.LINK,
    typ=TokenType.LINK,
    parse=parse_link,
    tags=lambda claims: (claims.other, claims.known),
    change=_change,
)
