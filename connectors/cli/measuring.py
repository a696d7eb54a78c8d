"""`measure state|end|annul|confirm|show`: which measures run over a child, and who says so."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from connectors.agent.joining import join
from connectors.agent.journal import from_milliseconds
from connectors.agent.lookup import find_measures, hold_measures, raden_of
from connectors.agent.recording import MEASURE, new_record_id, own_payloads, refuse_if_any, seconds, today
from connectors.agent.services import Services
from connectors.cli.common import CommandError
from connectors.cli.opening import opened
from connectors.cli.persons import read_person
from connectors.cli.recording import convert, print_json, record
from consent.measures import Standing, check_statement, contradictions, standing_measures
from schemas.claims import read_date
from schemas.codes import Role
from schemas.document import JSONValue
from schemas.identifiers import OIN, MessageId
from schemas.measures import MeasureStatement, MeasureType, measure_to_payload, parse_measure
from schemas.sdjwt import conceal, parse_disclosure

COURTS: Final = "rechtbank"
_REFUSED: Final = "this statement would not be taken"


async def state(options: argparse.Namespace) -> int:
    """State that a measure runs over a child."""
    async with opened(options.home) as services:
        settings = services.settings
        executor = convert(options.executor, OIN, nl="OIN", en="OIN") if options.executor else settings.oin
        await services.directory.refresh(services.hub, at=services.clock.now())
        known = services.directory.directory.participant(executor)
        if known is None or known.role is not Role.GI:
            raise CommandError(
                f"OIN {executor.value} is geen gecertificeerde instelling die meedoet; noem haar met `--executor`",
                f"OIN {executor.value} is no certified institution that takes part; name it by `--executor`",
            )
        decided = _day(options.decided)
        _check_court(services, options.court, on=decided)
        secret = conceal(options.case_number, randomness=services.randomness)
        statement = MeasureStatement(
            issuer=settings.oin,
            id=new_record_id(services),
            issued_at=seconds(services),
            hub=settings.hub.name,
            tag=read_person(options.person).tag(services),
            type=MeasureType(options.type),
            valid_from=_day(options.valid_from),
            valid_until=_day(options.valid_until) if options.valid_until else None,
            executor=executor,
            court=options.court,
            decided=decided,
            case_number=secret.digest,
        )
        code = await _record(services, statement, known=(), as_json=options.json, secret=secret.text)
        if settings.role is Role.GI and not options.json:
            print("Dit telt dertig dagen, tenzij de Raad (of de vorige GI) het bevestigt met `measure confirm`.")
            print("This counts for thirty days unless the Raad (or the former GI) confirms it by `measure confirm`.")
        return code


async def end(options: argparse.Namespace) -> int:
    """Say when a measure ends, instead of what was stated before."""
    async with opened(options.home) as services:
        base, secret = _own(services, _id(options.id))
        made = _after(services, base, valid_until=_day(options.on))
        return await _record(services, made, known=(base,), as_json=options.json, secret=secret)


async def annul(options: argparse.Namespace) -> int:
    """Say that a statement was wrong as a whole."""
    async with opened(options.home) as services:
        base, secret = _own(services, _id(options.id))
        made = _after(services, base, annulled=True)
        return await _record(services, made, known=(base,), as_json=options.json, secret=secret)


async def confirm(options: argparse.Namespace) -> int:
    """Say the same as another organisation said."""
    async with opened(options.home) as services:
        known, record_id = read_person(options.person).pseudonyms(services), _id(options.id)
        held = await hold_measures(services, (known,))
        found = held.about[known.newest]
        base = next((each for each in found if each.id == record_id), None)
        if base is None:
            raise CommandError(
                "over dit kind is niets met dit nummer vastgelegd", "nothing with this id is stated about this child"
            )
        if base.tag in held.apart[known.newest]:
            await join(services, former=base.tag, newest=known.newest)
        secret = conceal(options.case_number, randomness=services.randomness)
        made = replace(
            base,
            issuer=services.settings.oin,
            id=new_record_id(services),
            issued_at=seconds(services),
            tag=known.newest,
            case_number=secret.digest,
            replaces=None,
            confirms=base.id,
        )
        return await _record(services, made, known=found, as_json=options.json, secret=secret.text)


async def show(options: argparse.Namespace) -> int:
    """Show the measures over a child as they stand, with what was stated; or what this organisation stated."""
    async with opened(options.home) as services:
        found = _all_own(services)
        standing: tuple[Standing, ...] = ()
        if not options.all:
            known = read_person(options.person).pseudonyms(services)
            await services.directory.refresh(services.hub, at=services.clock.now())
            found = tuple((await find_measures(services, (known,)))[known.newest])
            standing = standing_measures(found, raden=raden_of(services))
        against = contradictions(standing, day=today(services))
        lines = [_to_json(services, each, standing) for each in found]
        if options.json:
            print_json({"statements": [*lines], "contradictions": [each.value for each in against]})
            return 0
    if not lines:
        print("Er is geen maatregel vastgelegd. No measure is stated.")
    for line in lines:
        _print(line)
    if against:
        print("LET OP: vandaag noemen vastleggingen verschillende uitvoerders; niets gaat tot dat is opgelost.")
        print("ATTENTION: today statements name different executors; nothing goes until that is solved.")
    return 0


async def _record(
    services: Services,
    made: MeasureStatement,
    *,
    known: Sequence[MeasureStatement],
    as_json: bool,
    secret: str | None,
) -> int:
    payload = measure_to_payload(made)
    parse_measure(payload)  # what has not its form is refused here, with every finding
    issues = check_statement(made, role=services.settings.role, known=known)
    refuse_if_any(issues, text=_REFUSED, code="sender.measure.refused")
    return await record(services, payload, kind=MEASURE, record_id=made.id, as_json=as_json, secret=secret)


def _after(
    services: Services, base: MeasureStatement, *, valid_until: date | None = None, annulled: bool = False
) -> MeasureStatement:
    """The statement that replaces one of ours."""
    return replace(
        base,
        id=new_record_id(services),
        issued_at=seconds(services),
        valid_until=valid_until or base.valid_until,
        annulled=annulled,
        replaces=base.id,
        confirms=None,
    )


def _check_court(services: Services, code: str, *, on: date) -> None:
    courts = services.policy.definitions.code_lists[COURTS]
    if courts.find(code, on=on) is None:
        names = ", ".join(sorted(courts.codes))
        raise CommandError(f"`{code}` is geen rechtbank; wel: {names}", f"`{code}` is no court; known: {names}")


def _day(text: str) -> date:
    return convert(text, read_date, nl="datum: schrijf JJJJ-MM-DD", en="date: write YYYY-MM-DD")


def _id(text: str) -> MessageId:
    return convert(text, MessageId, nl="nummer van een vastlegging", en="id of a statement")


def _own(services: Services, record_id: MessageId) -> tuple[MeasureStatement, str | None]:
    """Find what stands now of a statement of ours, and the disclosure that belongs to it.

    Raises:
        CommandError: This connector did not sign it.
    """
    found = {each.id: each for each in _all_own(services)}
    base = found.get(record_id)
    if base is None:
        raise CommandError(
            "deze vastlegging is niet van deze connector", "this statement was not made by this connector"
        )
    while (later := next((each for each in found.values() if each.replaces == base.id), None)) is not None:
        base = later
    row = services.journal.row("SELECT secret FROM records WHERE id = ?", base.id.value)
    return base, None if row is None else row["secret"]


def _all_own(services: Services) -> tuple[MeasureStatement, ...]:
    return tuple(map(parse_measure, own_payloads(services.journal, MEASURE)))


def _to_json(services: Services, each: MeasureStatement, standing: Sequence[Standing]) -> dict[str, JSONValue]:
    stands = next((other for other in standing if other.id == each.id), None)
    row = services.journal.row("SELECT secret FROM records WHERE id = ?", each.id.value)
    secret = None if row is None else row["secret"]
    names = services.directory.directory
    issuer, executor = names.participant(each.issuer), names.participant(each.executor)
    ends = stands.valid_until if stands else each.valid_until
    return {
        "id": each.id.value,
        "issuer": each.issuer.value,
        "issuer_name": issuer.name if issuer else None,
        "stated_at": from_milliseconds(each.issued_at * 1000).isoformat(),
        "type": each.type.value,
        "executor": each.executor.value,
        "executor_name": executor.name if executor else None,
        "from": each.valid_from.isoformat(),
        "until": ends.isoformat() if ends else None,
        "court": each.court,
        "decided": each.decided.isoformat(),
        "case_number": str(parse_disclosure(secret).value) if secret else None,
        "annulled": each.annulled,
        "replaces": each.replaces.value if each.replaces else None,
        "confirms": each.confirms.value if each.confirms else None,
        "counts_today": stands.counts_on(today(services)) if stands else None,
        "lapses_on": stands.lapses_on.isoformat() if stands and stands.lapses_on else None,
    }


def _print(line: dict[str, JSONValue]) -> None:
    print(f"{line['id']}  {line['type']}  {_standing_text(line)}")
    print(f"    van / from {line['from']}  tot en met / until {line['until'] or '-'}")
    print(f"    uitvoerder / executor {line['executor_name'] or line['executor']}")
    print(f"    gemeld door / stated by {line['issuer_name'] or line['issuer']}, {line['court']}, {line['decided']}")
    if line["lapses_on"]:
        print(f"    alleen door de uitvoerder gemeld; vervalt op / self-declared; lapses on {line['lapses_on']}")
    if line["case_number"]:
        print(f"    zaaknummer / case number {line['case_number']}")


def _standing_text(line: dict[str, JSONValue]) -> str:
    if line["annulled"]:
        return "ongedaan gemaakt / annulled"
    match line["counts_today"]:
        case True:
            return "loopt / runs"
        case False:
            return "loopt vandaag niet / does not run today"
        case _:
            return "staat niet op zichzelf / does not stand by itself"
