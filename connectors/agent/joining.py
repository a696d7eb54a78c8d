"""Joining what is recorded about one person under two chain keys, so that the hub finds both.

When the chain key is replaced, the hub knows nobody by the newer one: it can make no pseudonym. Whoever holds both keys
and knows the number can, so a connector that meets somebody with records under a former pseudonym says by a signed link
that they are one person. Only where something still counts: who has the former key, and the hub's database, learns by
each link whom the newer pseudonym is of.

A GI joins nobody (`hub.exchange.links`), and nor does who recorded nothing under the former pseudonym. Its own decision
holds all the same: see `connectors.agent.lookup`.

Source: the architecture, section 3.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Final

from connectors.agent.recording import LINK, Unsigned, new_record_id, post_record, seconds, sign_records, today
from connectors.agent.refusals import refused
from connectors.agent.services import Services
from connectors.sdk.records import Held
from schemas.codes import CHAIN_KEY_ROLES, Role, TokenType
from schemas.consents import ConsentRecord
from schemas.errors import RejectedMessageError, UnavailableError
from schemas.identifiers import SubjectTag
from schemas.jws import parse_jws
from schemas.links import Link, link_to_payload, parse_link
from schemas.measures import MeasureStatement

JOINING_ROLES: Final = CHAIN_KEY_ROLES - {Role.GI}
"""Roles that may say that two pseudonyms are of one person."""


async def join_former(services: Services, held: Held[ConsentRecord] | Held[MeasureStatement]) -> None:
    """Join the former pseudonyms of people under which we recorded something that still counts.

    What the hub does not take is left: somebody else joined them meanwhile.

    Raises:
        EvidenceError: The hub's proof of a link does not hold.
    """
    if services.settings.role not in JOINING_ROLES:
        return
    day = today(services)
    for newest, former in held.apart.items():
        own = {
            each.tag for each in held.about[newest] if each.issuer == services.settings.oin and is_live(each, day=day)
        }
        for tag in former:
            if tag in own:
                with suppress(RejectedMessageError, UnavailableError):
                    await join(services, former=tag, newest=newest)


async def join(services: Services, *, former: SubjectTag, newest: SubjectTag) -> None:
    """Say that two pseudonyms were made of one number; not again where that waits to be posted.

    Raises:
        RejectedMessageError: It is not ours to say, or the hub does not take it.
        EvidenceError: The hub's proof does not hold.
        UnavailableError: The hub was not reached; the connector posts it later.
    """
    if services.settings.role not in JOINING_ROLES:
        raise refused(
            "this person is known under a former chain key; ask the gemeente, the Raad or Veilig Thuis to renew first",
            "deze persoon is bekend onder een vorige ketensleutel; vraag gemeente, Raad of Veilig Thuis om eerst"
            " `consent renew` of `measure renew` te doen",
            code="sender.link.acting",
        )
    if (former, newest) in {(each.former, each.known) for each in _waiting(services)}:
        return
    link = Link(
        issuer=services.settings.oin,
        id=new_record_id(services),
        issued_at=seconds(services),
        hub=services.settings.hub.name,
        former=former,
        known=newest,
    )
    sign_records(services, [Unsigned(id=link.id, payload=link_to_payload(link))], kind=LINK)
    await post_record(services, link.id)


def is_live(record: ConsentRecord | MeasureStatement, *, day: date) -> bool:
    """Whether a record's last day has not passed."""
    return record.valid_until is None or day <= record.valid_until


def _waiting(services: Services) -> Iterator[Link]:
    for row in services.journal.rows("SELECT token FROM records WHERE kind = ? AND state = 'signed'", LINK.entry.value):
        yield parse_link(parse_jws(row["token"], typ=TokenType.LINK).payload)
