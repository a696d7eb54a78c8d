"""`chain-key`: the key that makes pseudonyms, created by the first holder and handed from holder to holder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from audit.records import token_digest
from connectors.agent.disk import make_private_folder, write_private_file
from connectors.agent.keystore import CHAIN, keep_chain_key
from connectors.agent.services import Services
from connectors.cli.common import CommandError, read_file, write_new
from connectors.cli.opening import opened
from connectors.sdk.answers import ChainEpoch as ListedEpoch
from connectors.sdk.proving import prove_entry
from schemas.codes import CHAIN_KEY_ROLES, EntryKind, TokenType
from schemas.epochs import ChainEpoch, verify_chain_epoch
from schemas.errors import ExchangeError, RejectedMessageError
from schemas.identifiers import OIN
from schemas.jws import parse_jws, sign_jws, verify_parsed_jws
from schemas.pseudonyms import ChainKey, Handover, handover_to_payload, make_handover, open_handover, parse_handover
from schemas.randomness import new_message_id

REQUEST: Final = "chain-epoch-request.json"


async def create(home: Path) -> None:
    """Draw the chain key of a new epoch, and write what the registrar signs to open it; it counts from then on."""
    async with opened(home) as services:
        known = [each.epoch for each in (await services.hub.chain_epochs()).epochs]
        epoch = max([*known, *services.keys.chain], default=-1) + 1
        if _pending(services, epoch).exists():
            raise CommandError(
                f"er wacht al een nieuwe sleutel op de registrar: {home / REQUEST}",
                f"a new key is waiting for the registrar already: {home / REQUEST}",
            )
        key = ChainKey.generate(epoch=epoch, randomness=services.randomness)
        make_private_folder(_pending(services, epoch).parent)
        write_private_file(_pending(services, epoch), key.value)
        (home / REQUEST).unlink(missing_ok=True)
        request = {"epoch": epoch, "fingerprint": key.fingerprint}
        write_new(home / REQUEST, (json.dumps(request, indent=2) + "\n").encode())
        print(f"Sleutel van tijdvak {epoch} getrokken. Laat de registrar {home / REQUEST} ondertekenen,")
        print("dan `chain-key open BESTAND`.")
        print(f"Key of epoch {epoch} drawn. Have the registrar sign {home / REQUEST}, then `chain-key open FILE`.")


async def open_epoch(home: Path, signed_file: Path) -> None:
    """Post the epoch that the registrar signed; when it stands in the log, its key counts."""
    signed = read_file(signed_file).decode("ascii", "replace").strip()
    async with opened(home) as services:
        chain_epoch = verify_chain_epoch(signed, registrar=services.directory.directory.registrar)
        pending = _pending(services, chain_epoch.epoch)
        held = services.keys.chain.get(chain_epoch.epoch)
        key = held or ChainKey(epoch=chain_epoch.epoch, value=read_file(pending))
        if key.fingerprint != chain_epoch.fingerprint:
            raise CommandError(
                "de registrar heeft een andere sleutel ondertekend dan hier wacht",
                "the registrar signed another key than the one that waits here",
            )
        # A key that is held already may stand in a former log only: the same epoch again gets the same answer.
        await services.hub.open_chain_epoch(signed)
        await _find_epoch(services, chain_epoch.epoch)
        if held is None:
            keep_chain_key(services.settings.keys, key)
        pending.unlink(missing_ok=True)
        print(f"Tijdvak {chain_epoch.epoch} is open. Geef de sleutel door met `chain-key hand-over OIN`.")
        print(f"Epoch {chain_epoch.epoch} is open. Hand the key over with `chain-key hand-over OIN`.")


def _pending(services: Services, epoch: int) -> Path:
    return services.settings.keys / CHAIN / f"{epoch}.pending"


async def hand_over(home: Path, receiver: str) -> None:
    """Hand the newest chain key to another holder: signed by us, sealed for it."""
    async with opened(home) as services:
        key = services.keys.newest_chain
        if key is None:
            raise CommandError(
                "deze connector heeft zelf geen ketensleutel", "this connector holds no chain key itself"
            )
        now = services.clock.now()
        directory = await services.directory.refresh(services.hub, at=now)
        participant = directory.participant(OIN(receiver))
        if participant is None or participant.sealing_key is None or not participant.in_force(now):
            raise CommandError("deze organisatie doet niet mee", "this organisation takes no part")
        if participant.canary or participant.role not in CHAIN_KEY_ROLES:
            raise CommandError(
                "een kanarie, of een organisatie met deze rol, mag de ketensleutel niet hebben",
                "a canary, or an organisation of this role, may not hold the chain key",
            )
        handover = make_handover(
            key,
            parties=(services.settings.oin, participant.oin),
            receiver_key=participant.sealing_key,
            message_id=new_message_id(at=now, randomness=services.randomness),
            issued_at=int(now.timestamp()),
        )
        token = sign_jws(handover_to_payload(handover), typ=TokenType.CHAIN_KEY, key=services.keys.signing)
        await services.hub.hand_over_chain_key(token)
        print(f"De sleutel van tijdvak {key.epoch} ligt klaar voor {participant.name}; daar: `chain-key take`.")
        print(f"The key of epoch {key.epoch} is ready for {participant.name}; there: `chain-key take`.")


async def take(home: Path) -> None:
    """Take the chain keys that others handed over, each only if it is the one the registrar signed for its epoch."""
    async with opened(home) as services:
        await services.directory.refresh(services.hub, at=services.clock.now())
        taken = []
        listed = (await services.hub.chain_epochs()).epochs
        for each in (await services.hub.chain_keys()).handovers:
            handover = _verify_handover(services, each.handover)
            if handover is None or handover.epoch in services.keys.chain:
                continue
            key = _open(services, handover, listed=listed)
            if key is None:
                continue
            keep_chain_key(services.settings.keys, key)
            services.keys.chain[key.epoch] = key
            taken.append(key.epoch)
        if not taken and not services.keys.chain:
            raise CommandError(
                "er ligt geen ketensleutel klaar; vraag een andere organisatie om `chain-key hand-over`",
                "no chain key is ready; ask another organisation for `chain-key hand-over`",
            )
        shown = ", ".join(map(str, taken)) or "-"
        print(f"Genomen tijdvakken: {shown}. Taken epochs: {shown}.")


def _open(services: Services, handover: Handover, *, listed: Sequence[ListedEpoch]) -> ChainKey | None:
    """Open a handover with the epoch that it names; None if it does not open: one that does may come after it."""
    private = services.keys.opening.get(handover.kid)
    epoch = next((each for each in listed if each.epoch == handover.epoch), None)
    if private is None or epoch is None:
        return None
    chain_epoch = _verify_epoch(services, epoch)
    try:
        return open_handover(handover, private=private, fingerprint=chain_epoch.fingerprint)
    except RejectedMessageError as error:
        text = f"an organisation handed over what is no chain key: {handover.giver.value} ({error.code})"
        print(f"OIN {handover.giver.value} gaf iets door dat geen ketensleutel is ({error.code}).\n{text}")
        return None


def _verify_handover(services: Services, token: str) -> Handover | None:
    """Return a handover for us that a holder signed, None if it is none: others' rubbish stops nobody."""
    try:
        parsed = parse_jws(token, typ=TokenType.CHAIN_KEY)
        handover = parse_handover(parsed.payload)
        giver = services.directory.directory.participant(handover.giver)
        key = giver.signing_key(parsed.kid) if giver else None
        if giver is None or key is None or giver.canary or giver.role not in CHAIN_KEY_ROLES:
            return None
        verify_parsed_jws(parsed, key=key)
    except ExchangeError:
        return None
    return handover if handover.receiver == services.settings.oin else None


async def _find_epoch(services: Services, epoch: int) -> ChainEpoch:
    """Find an epoch in the log: signed by the registrar, and its CHAIN entry proven.

    Raises:
        CommandError: The log has no such epoch.
        ExchangeError: What the hub shows of it does not hold.
    """
    for listed in (await services.hub.chain_epochs()).epochs:
        if listed.epoch == epoch:
            return _verify_epoch(services, listed)
    raise CommandError(f"tijdvak {epoch} staat niet in het log", f"epoch {epoch} is not in the log")


def _verify_epoch(services: Services, listed: ListedEpoch) -> ChainEpoch:
    proven = prove_entry(entry=listed.entry, tlog_proof=listed.tlog_proof, log=services.log)
    chain_epoch = verify_chain_epoch(listed.signed, registrar=services.directory.directory.registrar)
    entry = proven.entry
    said = (entry.kind, entry.epoch, entry.fingerprint, entry.signed)
    meant = (EntryKind.CHAIN, chain_epoch.epoch, chain_epoch.fingerprint, token_digest(listed.signed))
    if said != meant:
        raise CommandError(
            "het log zegt iets anders over dit tijdvak dan de registrar",
            "the log says something else about this epoch than the registrar",
        )
    return chain_epoch
