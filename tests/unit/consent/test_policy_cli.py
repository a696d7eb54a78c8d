"""`ketenhub-policy` as its users meet it: exit codes, words, files."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from consent.cli.exits import ExitCode
from consent.cli.main import main
from consent.grounds import Catalogue, load_catalogue
from schemas.canonical import canonical_json
from schemas.errors import DocumentError, Issue
from tests.support.catalogue_files import HEALTH_FOR_A_GEMEENTE, PACKAGED, edited, with_row


@pytest.fixture
def packaged(tmp_path: Path) -> str:
    return written(tmp_path, "packaged.toml", PACKAGED)


def written(folder: Path, name: str, catalogue: Catalogue) -> str:
    path = folder / name
    path.write_bytes(catalogue.data)
    return str(path)


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def only(tmp_path: Path, name: str, *codes: str) -> str:
    """A small catalogue: the rows of a few grounds of the packaged one."""
    text = PACKAGED.data.decode()
    head, *rows = text.split("[[ground]]")
    chosen = [row for row in rows if any(f'code = "{code}"\n' in row for code in codes)]
    path = tmp_path / name
    path.write_text("[[ground]]".join((head, *chosen)), encoding="utf-8")
    return str(path)


# ---- check, coverage, register ----


def test_check_of_the_packaged_catalogue_finds_no_errors(packaged: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", packaged]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "in orde: geen fouten\n  sound: no errors\n" in out
    assert out.index("let op: VTO-AFSCHRIFT") < out.index("remark: VTO-AFSCHRIFT")


def test_check_names_a_dead_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dead = edited("KLACHT", 'to = { roles = ["toezichthouder", "dashboard"]', 'to = { roles = ["raad"]')
    assert main(["check", written(tmp_path, "dead.toml", dead), "--json"]) == ExitCode.REFUSED
    result = said(capsys)
    assert result["result"] == "refused"
    assert [each["about"] for each in result["findings"] if each["severity"] == "error"] == ["KLACHT"]


def test_check_refuses_a_file_that_is_no_catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('version = "1"\n', encoding="utf-8")
    assert main(["check", str(path)]) == ExitCode.REFUSED
    assert "/ground" in capsys.readouterr().err
    assert main(["check", str(path), "--json"]) == ExitCode.REFUSED
    assert said(capsys)["code"] == "hub.catalogue.form"


BROKEN: Final[dict[str, tuple[Callable[[str], str], str]]] = {
    "a comma is missing": (
        lambda text: text.replace('"identificatie", "contact"', '"identificatie" "contact"', 1),
        "geen TOML-bestand in UTF-8: kijk bij regel 49, teken 19",
    ),
    "saved with a BOM": (lambda text: "\ufeff" + text, "sla het op als UTF-8 zonder BOM"),
    "a word that is none": (
        lambda text: text.replace('ties = ["reply"]', 'ties = ["antwoord"]', 1),
        "rij `RVDK-NOT.gemeente`: hier hoort een van deze: `reply`, `asked`, `measure`",
    ),
    "a date that is none": (
        lambda text: text.replace("valid_from = 2015-01-01", 'valid_from = "1 januari"', 1),
        "rij `VTO`: hier hoort een datum, zoals 2027-01-01",
    ),
    "two rows on one day": (
        lambda text: text.replace("valid_until = 2026-12-31", "valid_until = 2027-01-31", 1),
        "de rijen `GI-OTS-VRAAG` en `GI-OTS-VRAAG.2027` gelden voor hetzelfde bericht op dezelfde dag",
    ),
    "no law": (
        lambda text: text.replace('{ law = "Jw", article = "7.4.0" },\n  { law = "Regeling" },', "", 1),
        "rij `MAATREGEL`: een rij noemt de wet waarop zij rust, voordat zij aan gaat",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_check_says_in_dutch_what_is_wrong_and_where(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lawyer who forgets a comma is told the line, and who writes another word which row."""
    alter, text = BROKEN[fault]
    path = tmp_path / "broken.toml"
    path.write_text(alter(PACKAGED.data.decode()), encoding="utf-8")
    assert main(["check", str(path)]) == ExitCode.REFUSED
    err = capsys.readouterr().err
    assert text in err
    assert err.startswith("geweigerd: dit bestand is geen catalogus die gebruikt kan worden; wie het schreef, moet")
    assert err.index("geweigerd: ") < err.index("refused: ")


def test_every_finding_of_the_loader_has_its_dutch_text() -> None:
    """Files in which nothing is as it must be: each member is of another kind, or contradicts the others."""
    members = [line.partition(" = ")[0] for line in HEALTH_FOR_A_GEMEENTE.splitlines() if " = " in line]
    nothing = "\n".join(
        f"{member} = 7.5" for member in (*members, "valid_until", "spoed_hours", "force", "note", "more")
    )
    row = HEALTH_FOR_A_GEMEENTE
    for old, new in (
        ('name = "FOUT"', 'name = "ANDERS"\nvalid_until = 2014-01-01\nspoed_hours = 999'),
        ('["gemeente"], capacities = []', '[], capacities = ["ots"]'),
        ('categories = ["gezondheid"]', "categories = []"),
        ("ties = []", 'ties = ["measure", "measure-of-either"]'),
        ('consent = "none"', 'consent = "gi-as-representative"'),
        ("only = {}", 'only = { zorgen = [], anders = ["name"] }'),
        ("necessary = []", 'necessary = ["zorgen", "zorgen"]'),
        ('law = "Jw"', 'law = "Xw"'),
    ):
        assert old in row
        row = row.replace(old, new)
    issues: list[Issue] = []
    for text in (f"version = 1\nlaws = 1\n[[ground]]\n{nothing}\n", PACKAGED.data.decode() + row):
        with pytest.raises(DocumentError) as refused:
            load_catalogue(text.encode())
        issues += refused.value.issues
    assert len(issues) > 30
    assert [issue.text for issue in issues if issue.text_nl in ("", issue.text)] == []


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "nothing.toml")]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert err.index("kan niet worden gelezen") < err.index("could not read")


def test_a_file_without_an_end_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "/dev/zero"]) == ExitCode.REFUSED
    assert "groter dan 1048576 bytes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shell", "code"),
    [("{} coverage | head -1; exit ${{PIPESTATUS[0]}}", ExitCode.OK), ("{} coverage > /dev/full", ExitCode.USAGE)],
    ids=["reader-gone", "disk-full"],
)
def test_output_that_goes_nowhere_makes_no_traceback(shell: str, code: ExitCode) -> None:
    command = shell.format(f"{shlex.quote(sys.executable)} -c 'from consent.cli.main import main; exit(main())'")
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_a_terminal_that_has_no_such_letter_shows_the_rest() -> None:
    words = [sys.executable, "-c", "from consent.cli.main import main; exit(main())", "explain", "VTO"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, capture_output=True, timeout=60, check=False, env=environment)
    assert (done.returncode, b"(voorstel ? nog niet bevestigd)" in done.stdout) == (ExitCode.OK, True)


def test_no_command_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == ExitCode.USAGE


def test_coverage_says_that_a_lawyer_has_to_confirm_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "door een jurist te bevestigen" in out.splitlines()[0]
    assert "3.5      gedragen door GI-BEPALING (voorstel), GI-BEPALING.antwoord (voorstel): " in out
    assert "VTO-AFSCHRIFT (voorstel; nog geen soort bericht), RVDK-NOT.gemeente, RVDK-NOT.veilig-thuis-gi (voor" in out
    assert "carried by MAATREGEL (proposed), VOORTGANG (proposed; switched off): " in out
    assert "RVDK-RAP noemt `3.x`" in out


def test_coverage_can_show_one_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--only", "not-covered", "--json"]) == ExitCode.OK
    result = said(capsys)
    assert {each["covered"] for each in result["articles"]} == {"not-covered"}
    assert result["unplaced"] == [{"row": "RVDK-RAP", "article": "3.x"}]


def test_the_register_goes_to_a_file_that_is_not_there_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "register.md"
    assert main(["register", "--role", "gemeente", "--output", str(path)]) == ExitCode.OK
    assert path.read_text("utf-8").startswith("# Register van verwerkingsactiviteiten")
    assert main(["register", "--output", str(path)]) == ExitCode.USAGE
    assert "could not write" in capsys.readouterr().err


def test_the_register_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["register", "--json"]) == ExitCode.OK
    assert said(capsys)["register"] == "AVG 30"


# ---- prove ----


def test_prove_says_each_sentence_and_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = only(tmp_path, "small.toml", "KLACHT", "MAATREGEL")
    assert main(["prove", small, "--processes", "1"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "houdt  Een geheim adres gaat nooit verder dan de Raad en een gecertificeerde instelling." in out
    assert "bewezen: alle 15 zinnen houden\n  proved: all 15 sentences hold\n" in out


def test_prove_writes_the_report_that_a_step_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the time it took, so that it is the same everywhere; a report that is there stays."""
    small, report = only(tmp_path, "small.toml", "KLACHT"), tmp_path / "report.json"
    assert main(["prove", small, "--processes", "1", "--json", "--report", str(report)]) == ExitCode.OK
    shown = said(capsys)
    assert shown.pop("milliseconds") >= 0
    assert report.read_bytes() == canonical_json(shown)
    assert main(["prove", small, "--processes", "1", "--report", str(report)]) == ExitCode.USAGE


def test_prove_looks_for_the_folder_of_its_report_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The catalogue is not even read."""
    missing = str(tmp_path / "nothing.toml")
    assert main(["prove", missing, "--report", str(tmp_path / "nowhere" / "report.json")]) == ExitCode.USAGE
    assert "er is geen map" in capsys.readouterr().err


def test_prove_works_in_several_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = only(tmp_path, "small.toml", "KLACHT")
    assert main(["prove", small, "--processes", "2", "--json"]) == ExitCode.OK
    several = said(capsys)
    assert main(["prove", small, "--processes", "1", "--json"]) == ExitCode.OK
    one = said(capsys)
    assert several | {"milliseconds": 0} == one | {"milliseconds": 0}


def test_prove_shows_a_broken_sentence_in_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fault.toml"
    small = Path(only(tmp_path, "small.toml", "KLACHT")).read_text("utf-8")
    path.write_text(small + HEALTH_FOR_A_GEMEENTE, encoding="utf-8")
    assert main(["prove", str(path), "--processes", "1"]) == ExitCode.REFUSED
    out = capsys.readouterr().out
    assert "BREEKT Een gemeente krijgt niets over strafrecht" in out
    assert "(gezondheid) van Veilig Thuis aan gemeente, op grond van FOUT" in out
    assert "toegelaten door FOUT (voorstel – nog niet bevestigd):" in out
    assert "not proved: 1 sentence(s) are broken" in out
    assert main(["prove", str(path), "--processes", "1", "--json"]) == ExitCode.REFUSED
    (broken,) = [each for each in said(capsys)["sentences"] if each["broken"]]
    assert broken["code"] == "gemeente"
    assert broken["examples"][0]["question"]["category"] == "gezondheid"


def test_prove_asks_for_a_whole_number_of_processes() -> None:
    for word in ("0", "two"):
        with pytest.raises(SystemExit):
            main(["prove", "--processes", word])


# ---- diff ----


def test_diff_of_a_catalogue_with_itself_finds_nothing(packaged: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", packaged, packaged]) == ExitCode.OK
    assert "0 verandering(en) in wat mag, 0 in wat de rijen zeggen" in capsys.readouterr().out


def test_diff_tells_of_a_proposal_that_is_called_settled(
    tmp_path: Path, packaged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing more may go by it, and nothing less; it changes all the same."""
    new = written(tmp_path, "new.toml", edited("VTO", 'categories_status = "proposed"', 'categories_status = "read"'))
    assert main(["diff", packaged, new, "--processes", "1"]) == ExitCode.REFUSED
    out = capsys.readouterr().out
    assert "    VTO: `categories_status` was: proposed; wordt: read\n" in out
    assert "let op: beide heten 2026-1; geef het nieuwe bestand een eigen `version`" in out
    assert main(["diff", packaged, new, "--processes", "1", "--json"]) == ExitCode.REFUSED
    result = said(capsys)
    assert (result["result"], result["changes"]) == ("different", [])
    assert result["rows"][0]["after"] == {"nl": "read", "en": "read"}


def test_diff_tells_what_becomes_possible_and_what_stops(
    tmp_path: Path, packaged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    new = written(tmp_path, "new.toml", with_row(HEALTH_FOR_A_GEMEENTE))
    assert main(["diff", packaged, new, "--processes", "1"]) == ExitCode.REFUSED
    out = capsys.readouterr().out
    assert "WORDT MOGELIJK op FOUT, vanaf 2015-01-01: van Veilig Thuis aan gemeente" in out
    assert "rij FOUT: Jeugdwet, artikel 3.1 (voorstel – nog niet bevestigd)" in out
    assert "gezondheid: alles" in out
    assert main(["diff", new, packaged, "--processes", "1", "--json"]) == ExitCode.REFUSED
    (change,) = said(capsys)["changes"]
    assert (change["way"], change["purpose"], change["always"]) == ("stops", "FOUT", True)
    assert change["example"]["question"]["from"] == {"role": "veilig-thuis", "capacity": None}


# ---- explain ----


def test_explain_tells_a_ground_with_its_law_and_how_sure_we_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "VTO"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "Grondslag VTO, Verzoek tot onderzoek: Jeugdwet, artikel 2.4 lid 1" in out
    assert "(voorstel – nog niet bevestigd)" in out
    assert "Mag: gezondheid, alleen wat noodzakelijk is." in out
    assert out.index("Van: ") < out.index("From: ")


def test_explain_tells_one_row_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "RVDK-NOT.gemeente", "--json"]) == ExitCode.OK
    assert list(said(capsys)) == ["RVDK-NOT.gemeente"]


EXPLAINED = ["explain", "VTO", "--from", "gemeente", "--to", "raad", "--element"]


def test_explain_says_why_an_element_may_go(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EXPLAINED, "jeugdige/birthDate"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("Verstrekt mag worden: jeugdige/birthDate (identificatie), van een gemeente aan de Raad")
    assert "May be disclosed: jeugdige/birthDate" in out


def test_explain_says_why_an_element_may_not_go(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EXPLAINED, "leefgebied-justitie/finding", "--json"]) == ExitCode.REFUSED
    result = said(capsys)
    assert result["result"] == "deny"
    assert "This may only go when it is marked as necessary, and it is not." in [
        text["en"] for text in result["explanation"]
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["explain", "NIETS"], "the catalogue has no ground `NIETS`"),
        (["explain", "vto"], "de catalogus heeft geen grondslag `vto`; wel: VTO, "),
        (["explain", "VTO", "--element", "jeugdige/birthDate"], "is asked with --from and --to"),
        (["explain", "VTO", "--from", "gemeente"], "zet er --element bij, of gebruik `try`"),
        ([*EXPLAINED, "jeugdige/birthDate", "--type", "niets"], "er is geen soort bericht `niets`; wel: aanmelding-"),
        (["try", "--from", "gemeente", "--to", "raad", "--answers", "niets"], "there is no message type `niets`"),
        ([*EXPLAINED, "jeugdige/niets"], "there is no element `jeugdige/niets`"),
        (["try", "--from", "raad", "--to", "raad", "--ground", "BELEID"], "no ground `BELEID` that carries elements"),
    ],
)
def test_a_question_about_what_is_not_there_is_wrong_usage(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitCode.USAGE
    assert why in capsys.readouterr().err


# ---- try ----


def tried(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, set[str]]:
    """Try; return for each ground the categories of which all or some may go."""
    main(["try", *words, "--on", "2026-11-23", "--json"])
    return {
        each["ground"]: {one["category"] for one in each["categories"] if one["permitted"]} for each in said(capsys)
    }


TO_GI = ("--from", "gemeente", "--to", "gi:preventief")


def test_try_finds_the_grounds_on_which_something_may_go(capsys: pytest.CaptureFixture[str]) -> None:
    found = tried(capsys, "--from", "gemeente", "--to", "raad")
    assert set(found) == {"VTO"}
    assert {"identificatie", "document"} <= found["VTO"]


def test_try_with_consent_and_without(capsys: pytest.CaptureFixture[str]) -> None:
    youth = (*TO_GI, "--about", "jeugdige:16-17")
    assert tried(capsys, *youth) == {}
    assert set(tried(capsys, *youth, "--consent", "zelf=ja")) == {"VRIJW"}
    assert tried(capsys, *youth, "--consent", "zelf=nee") == {}
    assert tried(capsys, *youth, "--consent", "zelf=ja", "--consent-state", "ingetrokken") == {}
    assert tried(capsys, *youth, "--consent", "zelf=ja", "--consent-state", "verlopen") == {}
    assert tried(capsys, *youth, "--consent", "zelf=ja", "--consent-for", "zorgen") == {"VRIJW": {"zorgen"}}


def test_try_with_two_parents_of_whom_one_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    child = (*TO_GI, "--about", "jeugdige:0-11", "--holders", "2")
    assert set(tried(capsys, *child, "--consent", "gezagsdrager=ja,gezagsdrager=ja")) == {"VRIJW"}
    assert tried(capsys, *child, "--consent", "gezagsdrager=ja,gezagsdrager=nee") == {}


def test_try_with_a_measure_a_question_and_an_emergency(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ("--from", "gemeente", "--to", "gi:ots", "--ground", "GI-OTS-ANTW", "--asked", "zorgen")
    runs = tried(capsys, *answer, "--measure", "ots:ontvanger")
    assert "zorgen" in runs["GI-OTS-ANTW"]
    assert "identificatie" not in runs["GI-OTS-ANTW"]
    assert tried(capsys, *answer, "--measure", "ots:ontvanger:afgelopen") == {"GI-OTS-ANTW": set()}
    assert tried(capsys, *answer, "--measure", "ots:ander") == {"GI-OTS-ANTW": set()}
    assert "zorgen" in tried(capsys, *answer, "--spoed")["GI-OTS-ANTW"]
    assert tried(capsys, *answer, "--spoed", "--spoed-hours", "80") == {"GI-OTS-ANTW": set()}


def test_try_never_shows_a_proposal_as_settled(capsys: pytest.CaptureFixture[str]) -> None:
    """The same ground: for a gemeente its text was read, for Veilig Thuis it is our proposal."""
    shown = {}
    for recipient in ("gemeente", "veilig-thuis"):
        words = ["try", "--from", "raad", "--to", recipient, "--ground", "RVDK-NOT"]
        assert main(words) == ExitCode.OK
        in_words = "(voorstel – nog niet bevestigd)" in capsys.readouterr().out
        assert main([*words, "--json"]) == ExitCode.OK
        shown[recipient] = (in_words, *(each["proposed"] for each in said(capsys)))
    assert shown == {"gemeente": (False, False), "veilig-thuis": (True, True)}


def test_try_with_a_correction(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--from", "raad", "--to", "gemeente", "--ground", "CORRECTIE", "--released", "besluit")
    assert "besluit" in tried(capsys, *words)["CORRECTIE"]


def test_try_says_in_words_what_may_go_and_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "--from", "gemeente", "--to", "raad", "--ground", "VTO"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "  mag: identificatie\n    may go: identification\n" in out
    assert "  mag niet: gezondheid" in out
    assert "Dit mag alleen als het noodzakelijk is genoemd" in out
    assert main(["try", "--from", "raad", "--to", "raad"]) == ExitCode.REFUSED
    assert "Op geen enkele grondslag mag er iets." in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "iemand"],
        ["--about", "jeugdige:13"],
        ["--measure", "ots"],
        ["--consent", "zelf=misschien"],
        ["--on", "gisteren"],
        ["--asked", "alles"],
        ["--spoed-hours", "99999999999999"],
        ["--spoed-hours", "-5"],
        ["--holders", "-3"],
        ["--holders", "9"],
    ],
)
def test_a_word_that_cannot_be_read_is_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["try", "--from", "gemeente", "--to", "raad", *words])
    assert ended.value.code == ExitCode.USAGE
    assert words[1] in capsys.readouterr().err
