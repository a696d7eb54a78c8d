"""Chain-key epochs: the registrar says which key makes pseudonyms, without holding it.

A holder draws the key and gives the registrar its fingerprint; the registrar signs epoch and fingerprint as
`chain-epoch+jwt`, and the log takes it as a `CHAIN` entry. A key that is handed over is taken only if it has that
fingerprint.

Source: the architecture, section 3.
"""

from dataclasses import dataclass

from schemas.canonical import canonical_json
from schemas.claims import DIGEST, ClaimsReader
from schemas.codes import TokenType
from schemas.identifiers import MessageId
from schemas.jwk import VerificationKey
from schemas.jws import verify_jws
from schemas.pseudonyms import EPOCH_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEpoch:
    """The claims of a `chain-epoch+jwt`.

    Attributes:
        id: Unique.
        issued_at: Seconds since the epoch.
        epoch: Its number, from 0.
        fingerprint: `schemas.pseudonyms.chain_key_fingerprint` of its key.
    """

    id: MessageId
    issued_at: int
    epoch: int
    fingerprint: str


def chain_epoch_to_payload(chain_epoch: ChainEpoch) -> bytes:
    """Write the claims as the canonical bytes to sign."""
    return canonical_json(
        {
            "jti": chain_epoch.id.value,
            "iat": chain_epoch.issued_at,
            "epoch": chain_epoch.epoch,
            "fingerprint": chain_epoch.fingerprint,
        }
    )


def verify_chain_epoch(token: str, *, registrar: VerificationKey) -> ChainEpoch:
    """Verify with the pinned registrar key which chain key an epoch has.

    Raises:
        DocumentError: Wrong form.
        SignatureError: Not the registrar's signature.
    """
    payload = verify_jws(token, typ=TokenType.CHAIN_EPOCH, key=registrar).payload
    reader = ClaimsReader(payload, code="sender.chain-epoch.form", members=("jti", "iat", "epoch", "fingerprint"))
    chain_epoch = ChainEpoch(
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        epoch=reader.integer("epoch", at_most=EPOCH_MAX),
        fingerprint=reader.text("fingerprint", DIGEST),
    )
    reader.finish("the epoch does not have its form")
    return chain_epoch
