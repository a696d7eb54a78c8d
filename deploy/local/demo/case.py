"""Scenario `case`: a child's case over its life between four organisations, in one run.

What takes a year in life is played in minutes, so the measure began in the past and ends yesterday. Each step is what a
user does: a command, or a file in `out/`. What is printed under it was read from what came out. Dutch first.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from deploy.local.demo.common import DemoError, indent, read_json, say, write_policy
from deploy.local.demo.desk import SAID_SENT, Case
from deploy.local.demo.files import NOT_KNOWN_YET, Wanted
from deploy.local.stack import GEMEENTE, GI, RAAD, Organisation, Stack

EARLY_HELP: Final = Organisation(
    name="vroeghulp",
    oin="00000099000000004000",
    title="GI Voorbeeld Vroeghulp",
    role="gi",
    capacities=("preventief",),
)
CASE_ORGANISATIONS: Final = (GEMEENTE, RAAD, GI, EARLY_HELP)

_TO_EARLY_HELP: Final = ("--purpose", "VRIJW", "--recipient-capacity", "preventief")
_FILES: Final[Mapping[str, Wanted]] = {
    "casus": Wanted(kind="casusinformatie", sender=GEMEENTE, to=EARLY_HELP, more=_TO_EARLY_HELP),
    "verzoek": Wanted(kind="verzoek-tot-onderzoek", sender=GEMEENTE, to=RAAD),
    "notificatie": Wanted(kind="notificatie-onderzoek", sender=RAAD, to=GEMEENTE, more=("--message", NOT_KNOWN_YET)),
    "antwoord": Wanted(kind="informatieantwoord", sender=GEMEENTE, to=RAAD, more=("--message", NOT_KNOWN_YET)),
    "rapport": Wanted(kind="raadsrapport", sender=RAAD, to=GI, more=("--recipient-capacity", "ots")),
    "voornemen": Wanted(kind="voornemen-beeindigen", sender=GI, to=RAAD, more=("--capacity", "ots")),
}
_PAPERS: Final[Mapping[str, str]] = {
    "toestemming.pdf": "formulier met de handtekening van de jeugdige en van beide ouders",
    "intrekking.pdf": "brief van de moeder: ik trek mijn toestemming in",
    "vraag-raad.txt": "Hoe staat het met de huisvesting van het gezin?",
    "vraag-gi.txt": "Welke hulp is er geweest, en hoe woont het gezin?",
    "reactie.txt": "Wij hoeven de woning niet uit: de verhuurder heeft de opzegging ingetrokken.",
}
_RIGHT: Final = "het gezin kan in de woning blijven"


def play_case(stack: Stack) -> None:
    """Consent and its withdrawal, a request, a question, a measure with its report, a correction, and the end."""
    today = datetime.now(ZoneInfo("Europe/Amsterdam")).date()  # noqa: TID251 - the rim: nothing here is of the product
    case = Case(stack=stack, today=today)
    with ThreadPoolExecutor(max_workers=1) as clerk:  # writes the later files while the first ones go
        case.prepare(clerk, papers=_PAPERS, files=_FILES)
        consent, told = step_voluntary(case)
        step_withdrawal(case, consent, told)
        step_request(case)
        step_question(case)
        measure = step_measure(case)
        step_correction(case, told)
        step_end(case, measure)
        step_log(case)


def step_voluntary(case: Case) -> tuple[str, str]:
    """Consent of all who must consent; what it names goes, and nothing besides."""
    case.title(
        "1. Vrijwillige fase: de jeugdige en beide ouders stemmen toe dat de gemeente de GI informeert",
        "Voluntary phase: the young person and both parents consent that the municipality informs the GI",
    )
    scope = [word for each in ("identificatie", "zorgen", "professional") for word in ("--category", each)]
    scope += ["--recipient", EARLY_HELP.oin, "--until", case.day(180)]
    form = case.paper("toestemming.pdf")
    give = ("consent", "give", "--person", case.person, "--form", form, "--holders", "2")
    parents = ["--giver", "gezagsdrager=ja", "--giver", "gezagsdrager=ja"]
    case.tell(
        "Het kind is twaalf. Alleen de ouders: dat wordt nooit toestemming, en wordt niet vastgelegd.",
        "The child is twelve. The parents alone: that never becomes consent, and is not recorded.",
    )
    case.command(GEMEENTE, *give, *parents, *scope, refused=True)
    consent = case.record(GEMEENTE, *give, "--giver", "zelf=ja", *parents, *scope)
    case.tell(
        "De gemeente zet casusinformatie in `out/`. Over de moeder gaat niets mee: zij stemde niet voor zichzelf toe.",
        "The municipality drops case information. Nothing about the mother goes: she did not consent for herself.",
    )
    first = case.send(GEMEENTE, "casus-1.json", case.file("casus"), withheld={"gezagsdrager/", "hulpverlening/"})
    case.arrives(EARLY_HELP, first)
    case.tell(
        "Daarna ligt de connector van de GI stil: een tweede bericht is aanvaard en wacht.",
        "Then the GI's connector is down: a second message is accepted and waits.",
    )
    case.stack.processes[EARLY_HELP.name].stop()
    case.waiting = case.send(GEMEENTE, "casus-2.json", case.file("casus"), withheld={"hulpverlening/"})
    return consent, first


def step_withdrawal(case: Case, consent: str, told: str) -> None:
    """A withdrawal holds from the next decision on, also for what waits; who has something is told."""
    case.title(
        "2. De toestemming wordt ingetrokken",
        "The consent is withdrawn",
    )
    case.command(GEMEENTE, "consent", "withdraw", consent, "--form", case.paper("intrekking.pdf"))
    case.tell("Het volgende bericht wordt geweigerd.", "The next message is refused.")
    case.refused(GEMEENTE, "casus-3.json", case.file("casus"), code="consent-withdrawn")
    case.tell(
        "De GI werkt weer en wil het wachtende bericht ophalen: de hub geeft het niet meer vrij.",
        "The GI works again and wants to collect what waits: the hub does not release it any more.",
    )
    case.stack.start_connector(EARLY_HELP)
    status = case.await_status(
        EARLY_HELP,
        lambda said: (
            any(each["message"] == case.waiting and "decision" in (each["trouble"] or "") for each in said["received"])
            and any(notice["about"] == told for notice in said["notices"])
        ),
    )
    for each in status["received"]:
        if each["message"] == case.waiting:
            say(f"{each['message']}: {each['trouble']}")
    if (case.stack.organisation(EARLY_HELP) / "in" / f"{case.waiting}.fhir.json").exists():
        raise DemoError("what waited was handed over after the withdrawal")
    case.tell("En zij hoort dat het eerste bericht erop rustte:", "And it is told of the first message:")
    for notice in status["notices"]:
        say(f"[{notice['kind']}] {notice['nl']}")
        say(f"{'':{len(notice['kind']) + 2}} {notice['en']}")
    case.tell(
        "De gemeente hoort dat haar bericht vergeefs wacht,", "The municipality hears that its message waits in vain,"
    )
    status = case.await_status(GEMEENTE, lambda said: any(_is_denied(each, case) for each in said["notices"]))
    for notice in status["notices"]:
        if _is_denied(notice, case):
            say(f"[{notice['kind']}] {notice['nl']}")
            say(f"{'':{len(notice['kind']) + 2}} {notice['en']}")
    case.tell("en neemt terug wat niet meer mag.", "and takes back what may not go any more.")
    case.command(GEMEENTE, "recall", case.waiting, "--reason", "ingetrokken")
    recalled = case.await_state(GEMEENTE, "casus-2.json", "recalled")
    say(f"gemeente: sent/casus-2.json.result.json: {recalled['message']} {recalled['state']}")


def _is_denied(notice: dict[str, str], case: Case) -> bool:
    return (notice["kind"], notice["about"]) == ("release-denied", case.waiting)


def step_request(case: Case) -> None:
    """The gemeente asks the Raad to investigate, and is told that it does."""
    case.title(
        "3. De gemeente vraagt de Raad om onderzoek; de Raad meldt hoe het staat",
        "The municipality asks the Raad to investigate; the Raad tells how it stands",
    )
    request = case.send(GEMEENTE, "verzoek.json", case.file("verzoek"))
    case.arrives(RAAD, request)
    news = case.send(RAAD, "notificatie.json", case.file("notificatie").answering(request))
    case.arrives(GEMEENTE, news)


def step_question(case: Case) -> None:
    """The answer to a question holds nothing that was not asked."""
    case.title(
        "4. De Raad vraagt naar de huisvesting; wat niet is gevraagd, blijft achter",
        "The Raad asks about housing; what was not asked stays behind",
    )
    more = ("--category", "identificatie", "--category", "zorgen", "--purpose", "RVDK-INFO")
    question = case.ask(RAAD, "vraag-raad.txt", *more)
    answer = case.file("antwoord").with_item("l1", of=case.file("casus"))
    case.tell(
        "Het antwoord van de gemeente noemt ook de hulp die er was. Daar vroeg de Raad niet naar.",
        "The answer also names the help that was given. The Raad did not ask for it.",
    )
    case.arrives(RAAD, case.answer(question, answer, withheld={"hulpverlening/"}))


def step_measure(case: Case) -> str:
    """What rests on a measure goes when the measure is stated, and not before."""
    case.title(
        "5. De rechter spreekt een ondertoezichtstelling uit; eerst dan mag het raadsrapport naar de GI",
        "The court makes a supervision order; only then may the Raad's report go to the GI",
    )
    case.refused(RAAD, "rapport-te-vroeg.json", case.file("rapport"), code="measure-missing")
    case.tell("De Raad legt de maatregel vast.", "The Raad states the measure.")
    measure = case.record(
        RAAD, "measure", "state", "--person", case.person, "--type", "ots", "--executor", GI.oin,
        "--from", case.day(-200), "--until", case.day(165), "--court", "RBMNE",
        "--decided", case.day(-201), "--case-number", "C/16/000000",
    )  # fmt: skip
    case.arrives(GI, case.send(RAAD, "rapport.json", case.file("rapport")))
    case.tell(
        "De GI vraagt de gemeente wat zij weet; onder de maatregel moet die antwoorden.",
        "The GI asks the municipality what it knows; under the measure it must answer.",
    )
    more = ("--category", "identificatie", "--category", "zorgen", "--category", "hulpverlening")
    question = case.ask(GI, "vraag-gi.txt", *more, "--purpose", "GI-OTS-VRAAG", "--capacity", "ots")
    case.arrives(GI, case.answer(question, case.file("antwoord").with_item("l1", of=case.file("casus"))))
    return measure


def step_correction(case: Case, told: str) -> None:
    """Everybody who has what was wrong gets what is right, also who gets nothing new any more."""
    case.title(
        "6. De ouders wijzen op een fout: de gemeente corrigeert bij ieder die het kreeg",
        "The parents point out an error: the municipality corrects it with everybody who got it",
    )
    path = case.write("juist.json", case.file("casus").saying("l1", _RIGHT).data("juist"))
    said = case.command(
        GEMEENTE, "correct", told, "--item", "leefgebied/l1", "--reason", "onjuist", "--file", path,
        "--requested-by", "betrokkene", "--reaction", case.paper("reactie.txt"),
    )  # fmt: skip
    names = SAID_SENT.findall(said)
    titles = {each.oin: each.title for each in CASE_ORGANISATIONS}
    reached = set()
    case.tell("Wie heeft de correctie:", "Who has the correction:")
    for name in names:
        recipient = case.await_state(GEMEENTE, name, "received")
        reached.add(recipient["oin"])
        say(f"{titles[recipient['oin']]:42} {recipient['message']}  ontvangen en bevestigd / received, with receipt")
    if reached != {RAAD.oin, GI.oin, EARLY_HELP.oin}:
        raise DemoError(f"the correction reached {', '.join(sorted(reached))}")


def step_end(case: Case, measure: str) -> None:
    """With the measure ends what rests on it."""
    case.title(
        "7. Het einde: de GI meldt haar voornemen, de maatregel eindigt, en daarmee haar recht om te vragen",
        "The end: the GI announces it, the measure ends, and with it the right to ask",
    )
    case.arrives(RAAD, case.send(GI, "voornemen.json", case.file("voornemen")))
    case.command(RAAD, "measure", "end", measure, "--on", case.day(-1))
    more = ("--category", "zorgen", "--purpose", "GI-OTS-VRAAG", "--capacity", "ots")
    case.command(GI, *case.asking("vraag-gi.txt", *more), refused=True)
    problems = sorted((case.stack.organisation(GI) / "refused").glob("*.problem.json"))
    if len(problems) != 1:
        raise DemoError(f"{len(problems)} files of the GI were refused")
    case.show_problem(read_json(problems[0]), code="measure-ended")


def step_log(case: Case) -> None:
    """Somebody who trusts neither hub nor parties checks the log and the evidence."""
    case.title(
        "8. Een buitenstaander controleert het log en de bewijzen",
        "An outsider checks the log and the evidence",
    )
    path, evidence = case.evidence[-1]
    policy = write_policy(case.stack, evidence["log_vkey"])
    say(f"$ ketenhub-log verify {case.stack.url}/log --policy {policy.name}")
    print(indent(case.stack.command("ketenhub-log", "verify", f"{case.stack.url}/log", "--policy", policy)))
    case.tell(
        "De hashes zijn voor iedereen; de regels zelf leest een toezichthouder. Een bewijs brengt zijn regel mee.",
        "The hashes are for everybody; what the entries say, a supervisor reads. Evidence brings its own entry.",
    )
    say(f"$ ketenhub-log check {path.name} --policy {policy.name}")
    print(indent(case.stack.command("ketenhub-log", "check", path, "--policy", policy)))
    with ThreadPoolExecutor(max_workers=2) as at_once:
        others = [each for each, _ in case.evidence[:-1]]
        list(at_once.map(lambda each: case.stack.command("ketenhub-log", "check", each, "--policy", policy), others))
    count = len(case.evidence)
    case.tell(f"Alle {count} bewijzen kloppen.", f"All {count} pieces of evidence hold.")
