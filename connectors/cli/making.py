"""`init`: an organisation gets its keys, writes the statement of them, and asks to be admitted."""

import argparse
import json
from pathlib import Path
from typing import Final

from connectors.agent.disk import make_private_folder
from connectors.agent.keystore import Keys, load_keys, make_keys
from connectors.cli.common import CommandError, read_file, write_new
from connectors.settings import (
    SETTINGS_FILE,
    Folders,
    HubSettings,
    Settings,
    load_settings,
    parse_settings,
    settings_to_toml,
)
from schemas.admissions import Statement, statement_to_payload
from schemas.canonical import parse_json
from schemas.clock import SystemClock
from schemas.codes import Capacity, Register, Role, TokenType
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.identifiers import OIN, HubName, ProfessionalNumber
from schemas.jwk import VerificationKey
from schemas.jws import sign_jws
from schemas.message import Responsible
from schemas.randomness import SystemRandomness, new_message_id

REQUEST: Final = "admission-request.json"
STATEMENT: Final = "participant-statement.jwt"
ADDRESSBOOK: Final = """# Adresboek: welke code is welke deelnemer. Address book: which code is which participant.
#
# [[institution]]
# code = "RC0102"
# name = "Raad voor de Kinderbescherming, locatie Voorbeeldstad"
# oin = "00000099000000002000"
# valid_from = 2026-07-01
"""
PROFESSIONALS: Final = "medewerker;register;nummer\n"


def init(options: argparse.Namespace) -> None:
    """Make a home: settings, folders, keys, the statement of the keys, and the request for admission.

    Running it again on the same home keeps the keys and writes only what is missing.
    """
    home: Path = options.home.resolve()
    settings = parse_settings(settings_to_toml(_settings_of(options, home)), home=home)
    make_private_folder(home)
    for folder in settings.folders.each():
        folder.mkdir(parents=True, exist_ok=True)
    make_keys(settings.keys, randomness=SystemRandomness())
    keys = load_keys(settings.keys)
    if (home / SETTINGS_FILE).exists():
        settings = load_settings(home)
    else:
        write_new(home / SETTINGS_FILE, settings_to_toml(settings).encode())
    if not settings.professionals.exists():
        write_new(settings.professionals, PROFESSIONALS.encode())
    if not settings.addressbook.exists():
        write_new(settings.addressbook, ADDRESSBOOK.encode())
    if not (home / STATEMENT).exists():
        write_new(home / STATEMENT, _statement(settings, keys, notify=options.notify).encode())
    if not (home / REQUEST).exists():
        write_new(home / REQUEST, _request(settings, keys, canary=options.canary))
    print(f"Klaar: {home}")
    admit = f"ketenhub-registrar admit{' --canary' if options.canary else ''}"
    print(f"  1. Laat de registrar {home / REQUEST} ondertekenen ({admit}).")
    print("  2. ketenhub-connector join TOELATINGSBESTAND")
    print("  3. ketenhub-connector doctor")
    print(f"Done: {home}")
    print(f"  1. Have the registrar sign {home / REQUEST} ({admit}).")
    print("  2. ketenhub-connector join ADMISSION-FILE")
    print("  3. ketenhub-connector doctor")


def _settings_of(options: argparse.Namespace, home: Path) -> Settings:
    if options.capacity and options.role != Role.GI:
        raise CommandError("alleen een GI heeft hoedanigheden", "only a GI has capacities")
    capacities = tuple(Capacity(each) for each in dict.fromkeys(options.capacity))
    responsible = None
    if options.responsible:
        register, _, number = options.responsible.partition(":")
        try:
            responsible = Responsible(register=Register(register), number=ProfessionalNumber(number))
        except (ValueError, DocumentError) as error:
            raise CommandError(
                "`--responsible` is REGISTER:NUMMER, met register SKJ, BIG of eigen",
                "`--responsible` is REGISTER:NUMBER, with register SKJ, BIG or eigen",
            ) from error
    return Settings(
        home=home,
        oin=OIN(options.oin),
        name=options.name,
        role=Role(options.role),
        capacities=capacities,
        capacity=capacities[0] if len(capacities) == 1 else None,
        hub=HubSettings(
            name=HubName(options.hub_name),
            url=options.hub.rstrip("/"),
            log_vkey=options.log_vkey,
            registrar=_registrar(options.registrar),
        ),
        folders=Folders(
            out=home / "out",
            sent=home / "sent",
            refused=home / "refused",
            inbox=home / "in",
            answers=home / "answers",
            questions=home / "questions",
        ),
        responsible=responsible,
    )


def _registrar(path: Path | None) -> dict[str, JSONValue] | None:
    if path is None:
        return None
    jwk = parse_json(read_file(path))
    if not isinstance(jwk, dict):
        raise CommandError(f"`{path}` is geen publieke sleutel (JWK)", f"`{path}` is no public key (JWK)")
    return VerificationKey.from_jwk(jwk).to_jwk()


def _statement(settings: Settings, keys: Keys, *, notify: str | None) -> str:
    now = SystemClock().now()
    statement = Statement(
        oin=settings.oin,
        id=new_message_id(at=now, randomness=SystemRandomness()),
        issued_at=int(now.timestamp()),
        signing_key=keys.signing.public,
        sealing_key=keys.sealing.public,
        notify=notify,
    )
    return sign_jws(statement_to_payload(statement), typ=TokenType.PARTICIPANT, key=keys.signing)


def _request(settings: Settings, keys: Keys, *, canary: bool) -> bytes:
    request: dict[str, JSONValue] = {
        "oin": settings.oin.value,
        "name": settings.name,
        "role": settings.role.value,
        "capacities": [*sorted(capacity.value for capacity in settings.capacities)],
        "first_key": keys.signing.public.thumbprint.value,
    }
    if canary:
        request["canary"] = True
    return (json.dumps(request, ensure_ascii=False, indent=2) + "\n").encode()
