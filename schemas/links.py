"""Links: two pseudonyms are of one person.

A person without a number (unborn, or no resident) gets a random pseudonym when first named. When the number becomes
known, a `link+jwt` joins that pseudonym and the one that the chain key makes of the number, so that consents, measures
and the accounting of one follow the other, both ways. When the chain key is replaced, a link joins what was made of a
number in a former epoch with what the newer key makes of the same number.

    link = verify_link(token, key=…)

Exactly one of both is named beside the pseudonym that is known: what was drawn nobody can check, and what was made of a
number everybody can who holds both keys and knows the number. Here is the form only. Whose key signed, and whether the
issuer has anything to do with the person, is the hub's to check.

Source: the architecture, section 3.
"""

from dataclasses import dataclass

from schemas.canonical import canonical_json
from schemas.claims import ClaimsReader
from schemas.codes import TokenType
from schemas.identifiers import OIN, HubName, MessageId, SubjectTag
from schemas.jwk import VerificationKey
from schemas.jws import verify_jws
from schemas.requests import stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The claims of a `link+jwt`.

    Attributes:
        issuer: Who says that they are one person.
        id: Unique.
        issued_at: Seconds since the epoch.
        hub: The hub in whose tag space both stand.
        known: The pseudonym made of the number.
        random: The pseudonym that was drawn; None where `former` is named.
        former: The pseudonym made of the same number in an earlier epoch; None where `random` is named.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    known: SubjectTag
    random: SubjectTag | None = None
    former: SubjectTag | None = None

    @property
    def other(self) -> SubjectTag:
        """The pseudonym that is joined with the known one."""
        found = self.random or self.former
        assert found is not None, "a link names one of both"
        return found


def link_to_payload(link: Link) -> bytes:
    """Write the claims of a link as the canonical bytes to sign."""
    return canonical_json(
        {
            **stated(link),
            "known": link.known.value,
            "random": link.random.value if link.random else None,
            "former": link.former.value if link.former else None,
        }
    )


def parse_link(payload: bytes) -> Link:
    """Read the claims of a link.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, not exactly one of `random` and
            `former`, a pseudonym linked to itself, or a former one of no earlier epoch; every finding is listed.
    """
    members = ("iss", "jti", "iat", "hub", "known", "random", "former")
    reader = ClaimsReader(payload, code="sender.link.form", members=members)
    link = Link(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        known=reader.convert("known", SubjectTag),
        random=reader.optional("random", SubjectTag),
        former=reader.optional("former", SubjectTag),
    )
    reader.finish("the link does not have its form")
    if (link.random is None) is (link.former is None):
        reader.wrong("random", "exactly one of `random` and `former` is named")
    elif link.other == link.known:
        reader.wrong("known", "the pseudonym that it is joined with")
    elif link.former is not None and link.former.epoch >= link.known.epoch:
        reader.wrong("former", "of no earlier epoch than `known`")
    reader.finish("the link contradicts itself")
    return link


def verify_link(token: str, *, key: VerificationKey) -> Link:
    """Verify with its issuer's key who says that two pseudonyms are of one person.

    Nothing is checked about whose key it is.

    Raises:
        DocumentError: Wrong form.
        SignatureError: Another type or key, or the signature does not hold.
    """
    return parse_link(verify_jws(token, typ=TokenType.LINK, key=key).payload)
