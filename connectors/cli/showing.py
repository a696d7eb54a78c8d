"""`status` and `confirm`: what needs a person, and that a person has seen it. Dutch first, then English."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connectors.agent.journal import Journal, confirm
from connectors.agent.keystore import newest_epoch
from connectors.agent.lock import is_running
from connectors.agent.overview import overview
from connectors.agent.recording import KINDS
from connectors.agent.renewing import renewals_due
from connectors.cli.common import CommandError
from connectors.settings import load_settings
from consent.request import civil_day
from schemas.clock import SystemClock
from schemas.definitions import load_definitions
from schemas.document import JSONValue

_NOT_RUNNING: Final = "DE CONNECTOR DRAAIT NIET (`ketenhub-connector run`). THE CONNECTOR IS NOT RUNNING."
_OUTGOING: Final = {
    "taken": "wordt gelezen / being read",
    "prepared": "gereed om te verzenden / ready to be sent",
}
_SENT: Final = {
    "prepared": "wordt opnieuw aangeboden / being submitted again",
    "waiting": "wacht op de ontvanger / waits for the recipient",
    "released": "opgehaald, bevestiging volgt / collected, receipt to come",
    "received": "ontvangen en bevestigd / received, with receipt",
    "refused": "geweigerd door de ontvanger, u bent aan zet / refused by the recipient, you must act",
    "recalled": "teruggenomen / taken back",
    "expired": "vervallen, u bent aan zet / lapsed, you must act",
}
_RECEIVED: Final = {
    "listed": "staat klaar bij de hub / waits at the hub",
    "released": "wordt geopend / being opened",
    "opened": "geopend, bevestiging moet nog weg / opened, receipt still to go",
    "received": "ontvangen en bevestigd / received, with receipt",
    "refused": "niet geopend, de afzender is aan zet / not opened, the sender must act",
    "recalled": "teruggenomen door de afzender, niets te doen / taken back by its sender, nothing to do",
    "gone": "niet meer te krijgen, vraag de afzender / not to be had any more, ask the sender",
    "former": "ontvangen onder een vorig log / received under a former log",
}
_MUST_ACT: Final = {
    "sender": "de afzender / the sender",
    "recipient": "de ontvanger / the recipient",
    "hub": "de beheerder van de hub / the hub's operator",
}


def status(home: Path, *, as_json: bool) -> int:
    """Print what waits, what was sent and received lately, and everything that nobody has confirmed yet."""
    settings = load_settings(home)
    journal = Journal(settings.journal)
    try:
        day = civil_day(SystemClock().now())
        assert day is not None, "the clock gives aware moments"
        found = overview(journal, definitions=load_definitions(), day=day)
        renewals = renewals_due(journal, newest=newest_epoch(settings.keys), day=day)
    finally:
        journal.close()
    running = is_running(home)
    if as_json:
        print(json.dumps({"running": running, **found, "renewals": renewals}, ensure_ascii=False, indent=2))
        return 0
    print(f"{settings.name} (OIN {settings.oin.value}), {home}")
    print("De connector draait. The connector is running.\n" if running else f"{_NOT_RUNNING}\n")
    if renewals:
        print(f"{renewals} vastlegging(en) opnieuw te ondertekenen: `consent renew` en `measure renew`.")
        print(f"{renewals} record(s) to be signed again: `consent renew` and `measure renew`.\n")
    _print_notices(found["notices"])
    _print_questions(found["questions"])
    _print_assignments(found["assignments"])
    _print_table("Onderweg / under way", found["files"], ("target",), states=_OUTGOING)
    _print_records(found["records"])
    _print_table("Verzonden / sent", found["sent"], ("target", "message", "recipient"), states=_SENT)
    _print_table("Ontvangen / received", found["received"], ("message", "sender", "type"), states=_RECEIVED)
    return 0


def confirm_seen(home: Path, about: str) -> None:
    """Confirm every notice about a message, a file or a number; it is not shown again."""
    settings = load_settings(home)
    journal = Journal(settings.journal)
    try:
        with journal.step("confirmed") as db:
            count = confirm(db, about=about, at=SystemClock().now())
    finally:
        journal.close()
    if count == 0:
        raise CommandError(
            f"er is geen open melding met dit nummer of over dit bericht: `{about}`; zie `status`",
            f"no open notice has this number or is about this message: `{about}`; see `status`",
        )
    print(f"{count} melding(en) afgehandeld. {count} notice(s) confirmed.")


def _print_notices(notices: list[dict[str, JSONValue]]) -> None:
    if not notices:
        print("Geen openstaande meldingen. No open notices.\n")
        return
    print("Aandacht nodig / needs attention (`confirm ID`):")
    for notice in notices:
        print(f"  [{notice['id']}] {_minute(notice['at'])}  {notice['kind']}  {notice['about']}")
        print(f"      {notice['nl']}\n      {notice['en']}")
    print()


def _print_questions(questions: list[dict[str, JSONValue]]) -> None:
    if questions:
        late = sum(bool(each["overdue"]) for each in questions)
        print(f"Onbeantwoorde vragen / questions without an answer: {len(questions)}, te laat / overdue: {late}")
        print("  zie / see `ketenhub-connector questions`\n")


def _print_assignments(assignments: list[dict[str, JSONValue]]) -> None:
    if assignments:
        none = sum(each["replies"] == 0 for each in assignments)
        print(f"Opdrachten die op antwoord wachten / assignments that wait for a reply: {len(assignments)}")
        print(f"  zonder enig antwoord / without any reply: {none}; zie / see `status --json`\n")


def _print_records(records: list[dict[str, JSONValue]]) -> None:
    if not records:
        return
    print(f"Vastleggingen die wachten op de hub / records that wait for the hub: {len(records)}")
    for record in records:
        kind, trouble = KINDS[str(record["kind"])], record["trouble"]
        print(f"  {record['id']}  {kind.nl} / {kind.en}  sinds / since {_minute(record['signed_at'])}")
        if trouble is not None:
            print(f"      {trouble}\n      aan zet / must act: {_must_act(str(trouble))}")
    print()


def _minute(moment: JSONValue) -> str:
    return datetime.fromisoformat(str(moment)).astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _print_table(
    title: str, rows: list[dict[str, JSONValue]], names: tuple[str, ...], *, states: Mapping[str, str]
) -> None:
    print(f"{title}: {len(rows)}")
    for row in rows:
        state, trouble, denied = str(row["state"]), row.get("trouble"), row.get("denied")
        print("  " + "  ".join(str(row[name]) for name in names) + f"  {state}: {states.get(state, state)}")
        if trouble is not None:
            print(f"      {trouble}\n      aan zet / must act: {_must_act(str(trouble))}")
        if denied is not None:
            print(f"      {denied}\n      aan zet / must act: {_MUST_ACT['sender']}")
    print()


def _must_act(trouble: str) -> str:
    """Say who must act: by the code's prefix, but where the sender alone can make that it may go, the sender."""
    of_sender = trouble.startswith(("recipient.decision.", "recipient.sealing-key.revoked"))
    return _MUST_ACT.get("sender" if of_sender else trouble.partition(".")[0], "?")
