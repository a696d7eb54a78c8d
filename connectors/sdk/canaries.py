"""Canaries: messages that every hub must refuse, each for one reason that is known beforehand. Pure.

Everything else that a connector sends went through its own decision first (`connectors.sdk.composing`). This is the one
place that skips it, on purpose, and only for a participant whom the registrar admitted as a canary: a hub stops when it
would accept one of these (hub decision 0018).

    for kind in KINDS:
        message = compose_canary(kind, sender=canary, recipient=..., hub=..., ...)
        find_fault(kind, error)          # None: refused as it must be

What is in a message is nobody's: its pseudonyms are drawn, its values say that they are none, and its content key is
sealed for the canary itself. The recipient that it names is real, because the decision needs its role and capacities;
it could open nothing, if it were ever handed anything.

What must be refused stands here as a list, and is not asked of the catalogue: a catalogue that permits too much would
find its own permits right. A catalogue that permits one of these lawfully makes this list wrong: somebody changes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from consent.reasons import Reason
from schemas.codes import AgeBand, Capacity, Category, Register, Role, SubjectRole, TokenType
from schemas.definitions import Definitions
from schemas.errors import ExchangeError
from schemas.identifiers import CaseId, HubName, MessageId, ProfessionalNumber
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.message import Item, Message, Recipient, Responsible, Sealed, Subject, message_to_payload
from schemas.message_claims import Asks, Corrects
from schemas.participants import Participant
from schemas.pseudonyms import random_tag
from schemas.randomness import Randomness, new_message_id
from schemas.sdjwt import Disclosure, conceal
from schemas.sealing import SealingAddress, SealingPrivateKey, seal_submission
from schemas.wire import Submission

VALUE: Final = "KANARIE: geen gegeven van een persoon"
"""What every element of a canary's message holds."""

EPOCH: Final = 0
"""Epoch of the drawn pseudonyms: no chain key ever had it, so they are nobody's."""

PICKUP_SECONDS: Final = 3600
_TERM_DAYS: Final = 14
_DENIED: Final = "sender.decision."
_RESPONSIBLE: Final = Responsible(register=Register.EIGEN, number=ProfessionalNumber("KANARIE"))


_Items: TypeAlias = Sequence[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryKind:
    """One message that must be refused.

    Attributes:
        name: Short name, in logs and reports.
        reasons: For exactly these the decision must refuse it: more or fewer are as wrong as an acceptance.
        senders: By role of the canary, the capacity in which it sends.
        recipient: Role of whom it names; none that receives in a capacity.
        purpose: Code of the ground that it names.
        type: Message type.
        items: Profiles with their elements; each about the one, unknown, child.
    """

    name: str
    reasons: frozenset[Reason]
    senders: Mapping[Role, Capacity | None]
    recipient: Role
    purpose: str
    type: str
    items: _Items

    def can_be_sent_by(self, canary: Participant) -> bool:
        """Tell whether a canary of this role and these capacities can send it so that only its reasons are wrong."""
        if canary.role not in self.senders:
            return False
        capacity = self.senders[canary.role]
        not_held = Reason.SENDER_CAPACITY_NOT_HELD in self.reasons
        return capacity is None or (capacity in canary.capacities) is not not_held

    def can_be_for(self, participant: Participant, *, at: datetime) -> bool:
        """Tell whether a participant can be named as its recipient."""
        fits = participant.role is self.recipient and not participant.canary
        return fits and participant.in_force(at) and participant.sealing_key is not None


_CHILD: Final = ("jeugdige", ("name",))
_HELP: Final = ("hulpverlening", ("product",))
_HEALTH: Final = (
    "leefgebied-gezondheid",
    ("code", "finding", "observedOn", "reaction", "source", "statementType"),
)

# What is sent: a message type, and as little as that must hold.
_SHARED: Final = ("casusinformatie", (_HELP, _CHILD))
_QUESTION: Final = (
    "informatieverzoek",
    (("bericht", ("reference",)), ("vraag", ("categories", "question", "term")), _CHILD),
)
_REQUEST: Final = (
    "verzoek-tot-onderzoek",
    (
        ("bericht", ("reference",)),
        ("verzoek", ("identifier",)),
        ("professional", ("name", "organisation", "telecom")),
        ("jeugdige", ("gender", "name")),
        ("gezagsdrager", ("informed", "name")),
    ),
)
_ANSWER: Final = ("informatieantwoord", (_HELP, _CHILD))
_SHORT_ANSWER: Final = ("informatieantwoord", (_HELP,))
_HEALTH_ANSWER: Final = ("informatieantwoord", (_HEALTH,))
_CORRECTION: Final = ("correctie", (("correctie", ("corrects", "reason", "wrong-hulpverlening")), _HELP))

# By whom: each of these roles, or only a GI in one capacity.
_ALL: Final = {Role.GI: Capacity.PREVENTIEF, Role.GEMEENTE: None, Role.VEILIG_THUIS: None}
_OTS: Final = {Role.GI: Capacity.OTS}
_PREVENTIEF: Final = {Role.GI: Capacity.PREVENTIEF}
_VOOGDIJ: Final = {Role.GI: Capacity.VOOGDIJ}

_Row: TypeAlias = tuple[str, set[Reason], Mapping[Role, Capacity | None], Role, str, tuple[str, _Items]]

# fmt: off
_ROWS: Final[Sequence[_Row]] = (
    # name, the reasons for which it must be refused, by whom, to whom, purpose, what
    ("doel-onbekend", {Reason.PURPOSE_UNKNOWN}, _ALL, Role.RAAD, "KANARIE", _SHARED),
    ("hoedanigheid-niet-toegelaten", {Reason.SENDER_CAPACITY_NOT_HELD}, _VOOGDIJ, Role.RAAD, "VTO", _REQUEST),
    ("afzender-mag-niet", {Reason.SENDER_ROLE_NOT_IN_GROUND}, _ALL, Role.GEMEENTE, "RVDK-INFO", _QUESTION),
    ("ontvanger-mag-niet", {Reason.RECIPIENT_ROLE_NOT_IN_GROUND}, _ALL, Role.GEMEENTE, "VTO", _REQUEST),
    ("berichtsoort-mag-niet", {Reason.MESSAGE_TYPE_NOT_IN_GROUND}, _ALL, Role.RAAD, "VTO", _SHARED),
    ("soort-gegevens-mag-niet", {Reason.CATEGORY_NOT_IN_GROUND}, _OTS, Role.RAAD, "RVDK-AANM", _SHORT_ANSWER),
    ("noodzaak-niet-vermeld", {Reason.NECESSITY_MISSING, Reason.NOT_ASKED}, _ALL, Role.RAAD, "RVDK-INFO-ANTW",
     _HEALTH_ANSWER),
    ("niet-gevraagd", {Reason.NOT_ASKED}, _ALL, Role.RAAD, "RVDK-INFO-ANTW", _ANSWER),
    ("maatregel-ontbreekt", {Reason.MEASURE_MISSING}, _OTS, Role.GEMEENTE, "GI-OTS-VRAAG", _QUESTION),
    ("toestemming-ontbreekt", {Reason.CONSENT_MISSING}, _PREVENTIEF, Role.GEMEENTE, "VRIJW", _SHARED),
    ("niets-te-corrigeren", {Reason.NOT_CORRECTED}, _ALL, Role.RAAD, "CORRECTIE", _CORRECTION),
)
# fmt: on

KINDS: Final = tuple(
    CanaryKind(
        name=name,
        reasons=frozenset(reasons),
        senders=senders,
        recipient=role,
        purpose=purpose,
        type=message_type,
        items=items,
    )
    for name, reasons, senders, role, purpose, (message_type, items) in _ROWS
)
"""Every kind, by the check of the decision that must refuse it; in the order of the checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryKeys:
    """What a canary holds: the key that signs, and its own sealing key, for which it seals."""

    signing: SigningKey
    sealing: SealingPrivateKey


class NoCanaryError(Exception):
    """Who would send is not admitted as a canary; nobody else may send what was not decided."""


def compose_canary(
    kind: CanaryKind,
    *,
    sender: Participant,
    recipient: Participant,
    hub: HubName,
    definitions: Definitions,
    keys: CanaryKeys,
    at: datetime,
    randomness: Randomness,
) -> tuple[MessageId, Submission]:
    """Make one message that must be refused, without deciding about it.

    Args:
        kind: Which.
        sender: The canary, as the log has it.
        recipient: Whom it names; `kind.can_be_for` it.
        hub: The hub that must refuse it.
        definitions: For the version of the message type.
        keys: The canary's.
        at: Now.
        randomness: For identifiers, pseudonyms, salts and the content key.

    Raises:
        NoCanaryError: The sender is not admitted as a canary.
    """
    named = recipient.sealing_key
    if not sender.canary or recipient.canary or named is None:
        raise NoCanaryError
    message_id = new_message_id(at=at, randomness=randomness)
    concealed = [
        (profile, {name: conceal(VALUE, randomness=randomness) for name in sorted(elements)})
        for profile, elements in kind.items
    ]
    tag = conceal(random_tag(epoch=EPOCH, randomness=randomness).value, randomness=randomness)
    own = keys.sealing.public
    sealed = seal_submission(
        [disclosure.text for _, elements in concealed for disclosure in elements.values()],
        address=SealingAddress(hub=hub, sender=sender.oin, message_id=message_id, recipient=recipient.oin, kid=own.kid),
        recipient_key=own,
        randomness=randomness,
    )
    message = Message(
        sender=sender.oin,
        hubs=(hub,),
        id=message_id,
        issued_at=int(at.timestamp()),
        pickup_by=int(at.timestamp()) + PICKUP_SECONDS,
        type=kind.type,
        version=definitions.message_type(kind.type).version,
        recipient=Recipient(oin=recipient.oin, purpose=kind.purpose, capacity=None),
        capacity=kind.senders[sender.role],
        case=CaseId(randomness.bytes(16).hex()),
        reply_to=_earlier(kind, "informatieantwoord", at=at, randomness=randomness),
        responsible=_RESPONSIBLE,
        subjects=(Subject(tag=(tag.digest,), role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12),),
        # The name of the recipient's key, which the hub looks at; sealed for the canary's own, which nobody else opens.
        sealed=Sealed(kid=named.kid, digest=sealed.digest),
        content=_content(concealed),
        asks=_asks(kind, at=at),
        corrects=_corrects(kind, at=at, randomness=randomness),
    )
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=keys.signing)
    return message_id, Submission(message=token, tags=(tag.text,), key=sealed.sealed_key, elements=sealed.elements)


def _content(concealed: Sequence[tuple[str, Mapping[str, Disclosure]]]) -> tuple[Item, ...]:
    return tuple(
        Item(
            profile=profile,
            id=f"k{number}",
            about=(0,),
            necessary=None,
            elements={name: (disclosure.digest,) for name, disclosure in elements.items()},
        )
        for number, (profile, elements) in enumerate(concealed)
    )


def find_fault(kind: CanaryKind, error: ExchangeError) -> str | None:
    """Say what is wrong with a refusal: None if it is the one that it must be.

    Args:
        kind: What was sent.
        error: How the hub refused it.
    """
    if error.code != "sender.decision.denied":
        return error.code
    found = {issue.code.removeprefix(_DENIED) for issue in error.issues}
    expected = {reason.value for reason in kind.reasons}
    if found == expected:
        return None
    return f"{','.join(sorted(found)) or 'no reason'} instead of {','.join(sorted(expected))}"


def _earlier(kind: CanaryKind, of_type: str, *, at: datetime, randomness: Randomness) -> MessageId | None:
    """Name a message that no hub holds, where the type must name one."""
    return new_message_id(at=at, randomness=randomness) if kind.type == of_type else None


def _asks(kind: CanaryKind, *, at: datetime) -> Asks | None:
    if kind.type != "informatieverzoek":
        return None
    return Asks(categories=(Category.HULPVERLENING,), term=(at + timedelta(days=_TERM_DAYS)).date())


def _corrects(kind: CanaryKind, *, at: datetime, randomness: Randomness) -> Corrects | None:
    message = _earlier(kind, "correctie", at=at, randomness=randomness)
    return None if message is None else Corrects(message=message, items=None)
