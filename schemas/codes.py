"""Closed lists that the exchange itself depends on; their values travel.

Lists that others publish and change (Jeugdzorgrol, leefgebieden, institutions) are dated data in
`schemas/definitions/`, not code.
"""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a participant is in the chain, admitted by the registrar."""

    RAAD = "raad"
    GI = "gi"
    GEMEENTE = "gemeente"
    VEILIG_THUIS = "veilig-thuis"
    TOEZICHTHOUDER = "toezichthouder"
    DASHBOARD = "dashboard"
    INKOOPORGANISATIE = "inkooporganisatie"


CHAIN_KEY_ROLES = frozenset({Role.RAAD, Role.GI, Role.GEMEENTE, Role.VEILIG_THUIS})
"""Who may hold the chain key that makes pseudonyms."""


class Capacity(StrEnum):
    """In which capacity a GI acts in one message."""

    OTS = "ots"
    VOOGDIJ = "voogdij"
    PREVENTIEF = "preventief"
    JEUGDRECLASSERING = "jeugdreclassering"


class Category(StrEnum):
    """Data category of an element: what the decision is about."""

    IDENTIFICATIE = "identificatie"
    CONTACT = "contact"
    ADRES = "adres"
    ADRES_GEHEIM = "adres-geheim"
    GEZAG_RELATIES = "gezag-relaties"
    MELDER = "melder"
    ZORGEN = "zorgen"
    HULPVERLENING = "hulpverlening"
    GEZONDHEID = "gezondheid"
    STRAFRECHT = "strafrecht"
    PROCES = "proces"
    BESLUIT = "besluit"
    PROFESSIONAL = "professional"
    DOCUMENT = "document"
    KLACHT = "klacht"
    FINANCIEN = "financien"


class SubjectRole(StrEnum):
    """What a data subject is in the message."""

    JEUGDIGE = "jeugdige"
    OUDER = "ouder"
    ANDER = "ander"


class AgeBand(StrEnum):
    """Age on the day of `iat`; the bands are those of consent in the Jeugdwet (7.3.4, 7.3.5)."""

    UNBORN = "unborn"
    UNDER_12 = "0-11"
    FROM_12 = "12-15"
    FROM_16 = "16-17"
    ADULT = "18+"
    UNKNOWN = "unknown"

    @property
    def following(self) -> "AgeBand | None":
        """The band that comes after this one; None where none does."""
        return _FOLLOWING.get(self)


_FOLLOWING: Final = {
    AgeBand.UNBORN: AgeBand.UNDER_12,
    AgeBand.UNDER_12: AgeBand.FROM_12,
    AgeBand.FROM_12: AgeBand.FROM_16,
    AgeBand.FROM_16: AgeBand.ADULT,
}


class Necessity(StrEnum):
    """Who judged an item to be necessary: a professional, or the rule of a native format."""

    PROFESSIONAL = "professional"
    FORMAT = "format"


class SpoedReason(StrEnum):
    """Why a message does not wait for the statement of a measure; a code, because it stands in the clear."""

    PRONOUNCED = "maatregel-uitgesproken"
    ACUTE_DANGER = "acuut-gevaar"


class Interaction(StrEnum):
    """Pattern of a message type: an assignment, a question and its answer, or news."""

    OPDRACHT = "opdracht"
    INZAGE = "inzage"
    GEBEURTENIS = "gebeurtenis"


class Register(StrEnum):
    """Where a professional is registered; `eigen` is the organisation's own employee number."""

    SKJ = "SKJ"
    BIG = "BIG"
    EIGEN = "eigen"


class SignatureAlgorithm(StrEnum):
    """JWS algorithms that a key can be pinned to. RFC 7518, RFC 8037."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    PS256 = "PS256"


class TokenType(StrEnum):
    """JWS `typ` values; a signature counts for one of them only, compared exactly."""

    MESSAGE = "case+sd-jwt"
    RELEASE = "release+jwt"
    RECEIPT = "receipt+jwt"
    CONSENT = "consent+jwt"
    MEASURE = "measure+jwt"
    PARTICIPANT = "participant+jwt"
    ADMISSION = "admission+jwt"
    CHAIN_KEY = "chain-key+jwt"
    CHAIN_EPOCH = "chain-epoch+jwt"
    LINK = "link+jwt"
    RECALL = "recall+jwt"
    REVIEW = "review+jwt"
    BOARD = "board+jwt"
    CATALOGUE_STEP = "catalogue-step+jwt"
    CLIENT_AUTHENTICATION = "client-authentication+jwt"
    DPOP = "dpop+jwt"


class EntryKind(StrEnum):
    """Kinds of log entries."""

    PARTICIPANT = "PARTICIPANT"
    CHAIN = "CHAIN"
    CATALOGUE = "CATALOGUE"
    SUBMISSION = "SUBMISSION"
    REFUSAL = "REFUSAL"
    DISCLOSURE = "DISCLOSURE"
    RECEIPT = "RECEIPT"
    EXPIRY = "EXPIRY"
    RECALL = "RECALL"
    CONSENT = "CONSENT"
    MEASURE = "MEASURE"
    LINK = "LINK"
    ACCESS = "ACCESS"
    REVIEW = "REVIEW"
    ERASURE = "ERASURE"
    STOP = "STOP"
    """A message of a canary would have been accepted: from here on nothing is accepted or released."""
    RESUMPTION = "RESUMPTION"
    """The operator resumed after a stop."""
    CONTINUATION = "CONTINUATION"
    """Only ever the first entry of a log: which log it continues, and what of that is lost."""
