"""The command lines of consents, measures, questions, recalls and links. Dutch first, then English.

Each command imports its work only when it is given: see `connectors.cli.main`.
"""

# ruff: noqa: PLC0415 - a command imports its own modules: making keys need not wait a second for formats and the network

import argparse
import asyncio
from pathlib import Path
from typing import Any, Final

from schemas.codes import Capacity, Category, SpoedReason, SubjectRole
from schemas.consents import Giver, WithoutParents
from schemas.measures import MeasureType
from schemas.requests import RecallReason
from schemas.reviews import Finding

SEND_SECONDS: Final = 30.0
_GIVERS: Final = ", ".join(each.value for each in Giver)
_GIVE: Final = (
    "leg vast dat iemand toestemming gaf om gegevens over zichzelf (of, voor een kind, de gezagsdragers) te delen; "
    "iedere persoon heeft een eigen vastlegging. Record that somebody consents to disclosure; each person for himself"
)
_STATE: Final = (
    "leg vast dat over een kind een maatregel loopt. Van de Raad telt dit meteen; van de uitvoerende GI alleen dertig "
    "dagen, tenzij de Raad of de vorige GI het bevestigt. State that a measure runs over a child"
)
_CASE_NUMBER: Final = (
    "zaaknummer van de rechtbank; het blijft hier, alleen een vingerafdruk gaat mee / the court's case number"
)


def add_law_commands(commands: "argparse._SubParsersAction[Any]", home: argparse.ArgumentParser) -> None:
    """Add the commands to those of `ketenhub-connector`."""
    consent = commands.add_parser("consent", help="toestemming: vastleggen, intrekken, tonen / consent")
    consent.set_defaults(work=_consent)
    _add_consent_options(consent, home)
    measure = commands.add_parser("measure", help="maatregelen: vastleggen, beëindigen, bevestigen / measures")
    measure.set_defaults(work=_measure)
    _add_measure_options(measure, home)
    _add_questions(commands, home)
    _add_correct(commands, home)
    _add_read(commands, home)
    _add_reviews(commands, home)
    text = "neem een bericht terug dat nog niet is opgehaald. Take back a message that was not picked up"
    recall = commands.add_parser("recall", parents=[home], help="neem een bericht terug / recall", description=text)
    recall.set_defaults(work=_recall)
    recall.add_argument("message", metavar="ID", help="het bericht, zoals `status` het noemt / the message")
    recall.add_argument("--reason", required=True, choices=[each.value for each in RecallReason], help="waarom / why")
    _add_json_option(recall)
    text = (
        "zeg dat iemand die zonder nummer in een zaak staat, degene is met dit BSN; wat over de een is vastgelegd,"
        " geldt dan voor de ander. Say that two pseudonyms are of one person"
    )
    link = commands.add_parser(
        "link", parents=[home], help="een BSN werd bekend / a number became known", description=text
    )
    link.set_defaults(work=_link)
    link.add_argument("--pseudonym", required=True, metavar="TAG", help="dat van de zaak / the one of the case")
    _add_person_option(link)
    _add_json_option(link)


def _add_questions(commands: "argparse._SubParsersAction[Any]", home: argparse.ArgumentParser) -> None:
    text = "toon de vragen die op antwoord wachten, van ons en aan ons. Show the questions without an answer"
    questions = commands.add_parser("questions", parents=[home], help="open vragen / open questions", description=text)
    questions.set_defaults(work=_questions)
    _add_json_option(questions)
    text = "vraag een andere organisatie om gegevens over een kind. Ask another organisation for data about a child"
    ask = commands.add_parser("ask", parents=[home], help="stel een vraag / ask a question", description=text)
    ask.set_defaults(work=_ask)
    ask.add_argument("--to", required=True, metavar="OIN", help="aan wie / whom")
    _add_person_option(ask)
    ask.add_argument(
        "--category",
        action="append",
        required=True,
        choices=[each.value for each in Category],
        help="welke gegevens; vaker / which data; repeat it",
    )
    ask.add_argument("--question", type=Path, required=True, metavar="FILE", help="de vraag, als tekst / the question")
    ask.add_argument("--term", required=True, metavar="DATE", help="voor wanneer / by which day")
    ask.add_argument(
        "--purpose", metavar="CODE", help="grondslag, waar er een keuze is / the ground, if there is a choice"
    )
    capacities = [each.value for each in Capacity]
    ask.add_argument("--capacity", choices=capacities, help="waarin een GI vraagt / in which a GI asks")
    ask.add_argument("--recipient-capacity", choices=capacities, help="waarin een GI ontvangt / in which a GI receives")
    ask.add_argument(
        "--spoed",
        choices=[each.value for each in SpoedReason],
        help="waarom het niet kan wachten op de melding van een maatregel; vraagt `--responsible` / emergency",
    )
    ask.add_argument("--responsible", metavar="SKJ:NUMBER", help="wie ervoor instaat / who answers for it")
    _add_seconds_option(ask)
    text = "beantwoord een vraag met een FHIR-bestand, of weiger met een reden. Answer a question, or refuse it"
    answer = commands.add_parser("answer", parents=[home], help="beantwoord een vraag / answer", description=text)
    answer.set_defaults(work=_answer)
    answer.add_argument("id", metavar="ID", help="de vraag, zoals `questions` haar noemt / the question")
    answer.add_argument("--file", type=Path, metavar="FILE", help="informatieantwoord in FHIR / the answer in FHIR")
    answer.add_argument("--refuse", metavar="CODE", help="weiger; een code van de lijst weigeringsgrond / refuse")
    _add_person_option(answer)
    _add_seconds_option(answer)


def _add_read(commands: "argparse._SubParsersAction[Any]", home: argparse.ArgumentParser) -> None:
    text = (
        "lees een ontvangen bericht: feiten, waarnemingen, meningen en vermoedens uit elkaar. Read a received message"
    )
    read = commands.add_parser("read", parents=[home], help="lees een ontvangen bericht / read", description=text)
    read.set_defaults(work=_read)
    read.add_argument("file", type=Path, metavar="FILE", help="zoals / such as in/ID.fhir.json")


def _read(options: argparse.Namespace) -> int:
    from connectors.cli import reading

    return reading.read(options)


def _add_reviews(commands: "argparse._SubParsersAction[Any]", home: argparse.ArgumentParser) -> None:
    text = (
        "toon wat moet worden nagekeken: van deze organisatie, en voor een toezichthouder van iedereen. Waar een"
        " organisatie voor zichzelf instond, antwoordt zij en handelt een toezichthouder het af."
        " Show what has to be looked at, and say that it was"
    )
    reviews = commands.add_parser("reviews", parents=[home], help="na te kijken / to be looked at", description=text)
    reviews.set_defaults(work=_reviews)
    _add_json_option(reviews)
    actions = reviews.add_subparsers(dest="action", metavar="ACTION")
    # What is given before the action must not be undone by the action's own defaults.
    text = "toon wat open staat. Show what is open"
    listing = actions.add_parser("list", help="toon / show", description=text)
    listing.add_argument("--home", type=Path, default=argparse.SUPPRESS, metavar="FOLDER", help="the connector's home")
    listing.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="voor systemen / for machines")
    text = "zeg dat het is nagekeken, en wat eruit kwam. Say that it was looked at, and what came of it"
    closing = actions.add_parser("close", help="handel af of antwoord / close or answer", description=text)
    closing.add_argument("--home", type=Path, default=argparse.SUPPRESS, metavar="FOLDER", help="the connector's home")
    closing.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="voor systemen / for machines")
    closing.add_argument("id", metavar="ID", help="het bericht of de vastlegging, zoals `reviews` het noemt / which")
    closing.add_argument(
        "--reason", required=True, choices=[each.value for each in Finding], help="wat eruit kwam / what came of it"
    )
    closing.add_argument(
        "--mark", metavar="MARK", help="waarom het op de lijst staat, als er meer is / why it is there"
    )


def _reviews(options: argparse.Namespace) -> int:
    from connectors.cli import reviewing

    return asyncio.run(
        reviewing.close_review(options) if options.action == "close" else reviewing.list_reviews(options)
    )


def _add_correct(commands: "argparse._SubParsersAction[Any]", home: argparse.ArgumentParser) -> None:
    text = (
        "zeg iedereen die het heeft dat iets onjuist is: de ontvanger van het bericht, en wie in dezelfde zaak"
        " hetzelfde kreeg. Tell everybody who has it that something was wrong"
    )
    correct = commands.add_parser("correct", parents=[home], help="corrigeer / correct", description=text)
    correct.set_defaults(work=_correct)
    correct.add_argument("message", metavar="ID", help="het bericht dat het bevat / the message that holds it")
    correct.add_argument(
        "--item",
        action="append",
        required=True,
        metavar="PROFILE/ID[/ELEMENT]",
        help="wat onjuist is, zoals het resultaatbestand het noemt; vaker / what is wrong; repeat it",
    )
    correct.add_argument("--reason", metavar="CODE", help="een code van de lijst correctiereden / why")
    correct.add_argument("--who", action="store_true", help="noem alleen wie het heeft / only name who has it")
    correct.add_argument(
        "--file", type=Path, metavar="FILE", help="een FHIR-bericht met het juiste; anders vervalt het / what is right"
    )
    correct.add_argument(
        "--requested-by", choices=["sender", "betrokkene"], default="sender", help="wie erom vroeg / who asked for it"
    )
    correct.add_argument(
        "--reaction-file",
        "--reaction",
        dest="reaction",
        type=Path,
        metavar="FILE",
        help="wat de betrokkene ervan zegt, als tekst / what the person says",
    )
    _add_person_option(correct)
    _add_seconds_option(correct)


def _correct(options: argparse.Namespace) -> int:
    from connectors.cli import correcting

    return asyncio.run(correcting.correct(options))


def _add_seconds_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=float, default=SEND_SECONDS, metavar="N", help="hoe lang wachten / how long to wait"
    )


def _questions(options: argparse.Namespace) -> int:
    from connectors.cli import asking

    return asking.questions(options)


def _ask(options: argparse.Namespace) -> int:
    from connectors.cli import asking

    return asyncio.run(asking.ask(options))


def _answer(options: argparse.Namespace) -> int:
    from connectors.cli import asking

    return asyncio.run(asking.answer(options))


def _consent(options: argparse.Namespace) -> int:
    from connectors.cli import consenting

    if options.action == "renew":
        return _renew(options, "consents")
    work = {"give": consenting.give, "withdraw": consenting.withdraw, "show": consenting.show}
    return asyncio.run(work[options.action](options))


def _measure(options: argparse.Namespace) -> int:
    from connectors.cli import measuring

    if options.action == "renew":
        return _renew(options, "measures")
    work = {
        "state": measuring.state,
        "end": measuring.end,
        "annul": measuring.annul,
        "confirm": measuring.confirm,
        "show": measuring.show,
    }
    return asyncio.run(work[options.action](options))


def _renew(options: argparse.Namespace, what: str) -> int:
    from connectors.cli import renewing

    return asyncio.run(renewing.renew_consents(options) if what == "consents" else renewing.renew_measures(options))


def _recall(options: argparse.Namespace) -> int:
    from connectors.cli import recalling

    return asyncio.run(recalling.recall(options))


def _link(options: argparse.Namespace) -> int:
    from connectors.cli import recalling

    return asyncio.run(recalling.link(options))


def _add_consent_options(parser: argparse.ArgumentParser, home: argparse.ArgumentParser) -> None:
    """Add the actions of `consent`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_give(
        actions.add_parser("give", parents=[home], help="leg toestemming vast / record consent", description=_GIVE)
    )
    text = "leg vast dat toestemming is ingetrokken; dat geldt vanaf de eerstvolgende beslissing. Record a withdrawal"
    withdraw = actions.add_parser("withdraw", parents=[home], help="trek in / withdraw", description=text)
    withdraw.add_argument("id", metavar="ID", help="de vastlegging, zoals `consent show` haar noemt / the record")
    withdraw.add_argument("--form", type=Path, required=True, metavar="FILE", help=_form("de intrekking", "withdrawal"))
    _add_json_option(withdraw)
    text = "toon wat er over een persoon is vastgelegd; zonder persoon: wat hier is vastgelegd. Show what is recorded"
    show = actions.add_parser("show", parents=[home], help="toon / show", description=text)
    _add_person_option(show)
    show.add_argument("--all", action="store_true", help="zonder persoon: de eigen vastleggingen / without a person")
    _add_json_option(show)
    _add_renew(actions, home)


def _add_renew(actions: "argparse._SubParsersAction[Any]", home: argparse.ArgumentParser) -> None:
    text = (
        "onderteken opnieuw, onder de nieuwste ketensleutel, wat hier onder een vorige is vastgelegd en nog geldt; wat"
        " is afgebroken, gaat verder waar het was. Sign again, under the newest chain key, what still counts"
    )
    renew = actions.add_parser("renew", parents=[home], help="onderteken opnieuw / sign again", description=text)
    renew.add_argument(
        "--persons",
        type=Path,
        required=True,
        metavar="FILE",
        help="de personen van de eigen dossiers, op iedere regel één zoals bij `--person`; `-` is standaardinvoer / the"
        " people of the own files, one a line",
    )
    renew.add_argument("--dry-run", action="store_true", help="zeg alleen wat er zou gebeuren / say only what would")
    _add_json_option(renew)


def _add_give(parser: argparse.ArgumentParser) -> None:
    _add_person_option(parser)
    parser.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="een FHIR R4 Consent (JSON) in plaats van de opties / a FHIR R4 Consent instead of the options",
    )
    parser.add_argument(
        "--confirms",
        metavar="ID",
        help="bevestig wat een andere organisatie vastlegde; wat niet genoemd wordt, is als daar. Confirm another's",
    )
    parser.add_argument(
        "--replaces", metavar="ID", help="beperk een eigen vastlegging: het nieuwe zegt minder / refine an own record"
    )
    parser.add_argument("--form", type=Path, metavar="FILE", help=_form("de toestemming", "consent"))
    parser.add_argument(
        "--role",
        choices=[each.value for each in SubjectRole],
        help="wat de persoon in de zaak is (anders: jeugdige) / what the person is",
    )
    parser.add_argument(
        "--holders",
        type=int,
        metavar="N",
        help="hoeveel gezagsdragers er zijn; 0 bij een volwassene / how many hold authority",
    )
    parser.add_argument(
        "--giver",
        action="append",
        default=[],
        metavar="WHO=ja|nee",
        help=f"wie wat antwoordde, voor ieder apart; WHO is een van: {_GIVERS} / who answered what",
    )
    parser.add_argument(
        "--incapable", action="store_true", help="de persoon kan dit niet zelf afwegen / is not capable of weighing it"
    )
    parser.add_argument(
        "--without-parents",
        choices=[each.value for each in WithoutParents],
        help="waarom een jongere van 12 tot 15 zonder de ouders toestemt / why without the parents",
    )
    parser.add_argument(
        "--category",
        action="append",
        default=[],
        choices=[each.value for each in Category],
        help="welke gegevens; vaker / which data; repeat it",
    )
    parser.add_argument(
        "--purpose", action="append", default=[], metavar="CODE", help="grondslag; anders VRIJW / ground"
    )
    parser.add_argument(
        "--recipient",
        action="append",
        default=[],
        metavar="OIN|ROLE[:CAPACITY]",
        help="aan wie: een OIN, of een rol zoals `gemeente` of `gi:preventief`; vaker / to whom",
    )
    parser.add_argument("--from", dest="valid_from", metavar="DATE", help="eerste dag; anders vandaag / first day")
    parser.add_argument("--until", dest="valid_until", metavar="DATE", help="laatste dag; hooguit 2 jaar / last day")
    _add_json_option(parser)


def _form(nl: str, en: str) -> str:
    return f"het formulier of de notitie van {nl}; het blijft hier, alleen de vingerafdruk gaat mee / of the {en}"


def _add_measure_options(parser: argparse.ArgumentParser, home: argparse.ArgumentParser) -> None:
    """Add the actions of `measure`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_state(
        actions.add_parser("state", parents=[home], help="leg een maatregel vast / state one", description=_STATE)
    )
    text = "leg vast op welke dag een maatregel eindigt, korter of langer dan eerder vastgelegd. Say when it ends"
    end = actions.add_parser("end", parents=[home], help="leg het einde vast / say when it ends", description=text)
    end.add_argument("id", metavar="ID", help="de eigen vastlegging / the own statement")
    end.add_argument("--on", required=True, metavar="DATE", help="de laatste dag / the last day")
    _add_json_option(end)
    text = "leg vast dat een vastgelegde maatregel er nooit was. Say that a statement was wrong as a whole"
    annul = actions.add_parser("annul", parents=[home], help="maak ongedaan / annul", description=text)
    annul.add_argument("id", metavar="ID", help="de eigen vastlegging / the own statement")
    _add_json_option(annul)
    text = "bevestig wat een andere organisatie over een maatregel vastlegde. Confirm another's statement"
    confirm = actions.add_parser("confirm", parents=[home], help="bevestig / confirm", description=text)
    confirm.add_argument("id", metavar="ID", help="de vastlegging, zoals `measure show` haar noemt / the statement")
    confirm.add_argument("--case-number", metavar="NUMBER", required=True, help=_CASE_NUMBER)
    _add_person_option(confirm)
    _add_json_option(confirm)
    text = "toon welke maatregelen over een kind lopen; met `--all` de eigen vastleggingen. Show the measures"
    show = actions.add_parser("show", parents=[home], help="toon / show", description=text)
    _add_person_option(show)
    show.add_argument("--all", action="store_true", help="de eigen vastleggingen, met zaaknummer / the own statements")
    _add_json_option(show)
    _add_renew(actions, home)


def _add_state(parser: argparse.ArgumentParser) -> None:
    _add_person_option(parser)
    parser.add_argument(
        "--type", required=True, choices=[each.value for each in MeasureType], help="welke maatregel / which measure"
    )
    parser.add_argument("--from", dest="valid_from", required=True, metavar="DATE", help="eerste dag / first day")
    parser.add_argument(
        "--until", dest="valid_until", metavar="DATE", help="laatste dag; bij voogdij kan hij ontbreken"
    )
    parser.add_argument("--executor", metavar="OIN", help="de GI die hem uitvoert; anders wijzelf / the executing GI")
    parser.add_argument("--court", required=True, metavar="CODE", help="rechtbank, zoals RBMNE / court")
    parser.add_argument("--decided", required=True, metavar="DATE", help="dag van de beschikking / day of the decision")
    parser.add_argument("--case-number", required=True, metavar="NUMBER", help=_CASE_NUMBER)
    _add_json_option(parser)


def _add_person_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told whom it is about."""
    parser.add_argument(
        "--person",
        type=Path,
        metavar="FILE",
        help="over wie: een JSON-bestand met `bsn` (of `pseudonym`) en `born`; `-` is standaardinvoer; zonder wordt"
        " het gevraagd. Whom it is about: a JSON file; `-` is standard input; asked for without",
    )


def _add_json_option(parser: argparse.ArgumentParser) -> None:
    """Let a command answer a machine."""
    parser.add_argument("--json", action="store_true", help="voor systemen / for machines")
