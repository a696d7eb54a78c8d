"""Scenario `request`: one request and its answer between three organisations."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from deploy.local.demo.common import (
    STEP_SECONDS,
    WIDTH,
    DemoError,
    await_file,
    await_json,
    decode,
    drop,
    indent,
    read_json,
    say,
    show_list,
    show_log,
    title,
    write_policy,
)
from deploy.local.processes import wait_until
from deploy.local.stack import CANARY, GEMEENTE, GI, HEALTH_RULE, RAAD, Organisation, Stack


def play_request(stack: Stack) -> None:
    """A request to the Raad, the same to a GI (refused), and the Raad's notification back."""
    with narrower_health_rule(stack):
        request = step_send(stack)
    step_hub_view(stack, request)
    evidence = step_receive(stack, request)
    step_receipt(stack, request)
    step_proof(stack, evidence)
    step_refused(stack)
    step_answer(stack, evidence)
    step_log(stack)
    step_canary(stack)


def step_send(stack: Stack) -> dict[str, Any]:
    """The gemeente drops a request in its folder."""
    title(f"1. {GEMEENTE.title} drops a request for investigation (vtoDi01) in `out/`")
    xml = example(stack, GEMEENTE, "vto", to=RAAD, scenario="demo")
    name = drop(stack, GEMEENTE, "verzoek.xml", xml)
    result = await_json(stack.organisation(GEMEENTE) / "sent" / f"{name}.result.json")
    (recipient,) = result["recipients"]
    say(f"{len(xml):,} bytes of StUF; message {recipient['message']}, type {recipient['type']}")
    say(f"purpose {recipient['purpose']}, catalogue {recipient['catalogue']}, log entry {recipient['log_index']}")
    say(f"may go to the Raad: {len(recipient['permitted'])} elements")
    show_list(recipient["permitted"])
    say(f"stays behind: {len(recipient['withheld'])} elements")
    for withheld in recipient["withheld"]:
        for reason in withheld["reasons"]:
            say(f"    {withheld['label']}: {reason['nl']}")
            say(f"    {'':{len(withheld['label'])}}  {reason['en']}")
    if not any("document-gezondheid" in withheld["label"] for withheld in recipient["withheld"]):
        raise DemoError("the attachment that nobody marked as necessary was not withheld")
    if not any("document-gezondheid" in label for label in recipient["permitted"]):
        raise DemoError("the attachment on health that is necessary was not sent")
    return {**recipient, "xml": xml}


def step_hub_view(stack: Stack, request: dict[str, Any]) -> None:
    """What the hub has of it, from its own database."""
    title("2. What the hub has of this message: labels, pseudonyms and ciphertext; no value")
    assert stack.postgresql is not None
    with psycopg.connect(stack.postgresql.url()) as connection:
        row = connection.execute(
            "SELECT b.jws, c.numbers, octet_length(c.data) FROM messages m"
            " JOIN message_bodies b USING (body) LEFT JOIN ciphertexts c USING (body) WHERE m.id = %s",
            (request["message"],),
        ).fetchone()
    if row is None:
        raise DemoError("the hub's database does not hold the message")
    claims = json.loads(decode(row[0].split(".")[1]))
    child = next(item for item in claims["content"] if item["profile"] == "jeugdige")
    say(f"from {claims['iss'][-20:]} to {claims['recipient']['oin']} for {claims['recipient']['purpose']}")
    say(f"responsible professional: {claims['responsible']['register']} {claims['responsible']['number']}")
    say(f"child as it stands in the signed bytes: {json.dumps(child['elements'], ensure_ascii=False)[: WIDTH * 2]} …")
    if row[1] is not None:
        say(f"ciphertext: {len(row[1])} elements, {row[2]:,} bytes")
    # The professional who answers for the message is in the clear by design; every other text of the file is sealed.
    texts = native_texts(request["xml"]) - {claims["responsible"]["number"]}
    found = sorted(text for text in texts if text in json.dumps(claims, ensure_ascii=False))
    if found:
        raise DemoError(f"{len(found)} texts of the file stand in what the hub has: {', '.join(found)}")
    say(f"none of the file's {len(texts)} texts of six characters or more stands in it")


def step_receive(stack: Stack, request: dict[str, Any]) -> dict[str, Any]:
    """The Raad's connector fetches, opens, checks and hands over."""
    title("3. The Raad's connector opens it, checks everything, and hands it over in `in/`")
    folder = stack.organisation(RAAD) / "in"
    native = await_file(folder / f"{request['message']}.xml")
    evidence = await_json(folder / f"{request['message']}.evidence.json")
    bundle = await_json(folder / f"{request['message']}.fhir.json")
    say(f"{native.name}: {native.stat().st_size:,} bytes of StUF, as the gemeente wrote it, less what was withheld")
    say(f"{request['message']}.fhir.json: {bundle['resourceType']} with {len(bundle['entry'])} resources")
    say(f"{request['message']}.evidence.json: {', '.join(sorted(evidence))}")
    return {**evidence, "path": folder / f"{request['message']}.evidence.json"}


def step_receipt(stack: Stack, request: dict[str, Any]) -> None:
    """The signed receipt comes back."""
    title("4. The Raad's signed receipt comes back to the gemeente")
    path = next((stack.organisation(GEMEENTE) / "sent").glob("verzoek.xml.result.json"))
    wait_until(lambda: read_json(path)["recipients"][0]["state"] == "received", what="receipt", seconds=STEP_SECONDS)
    say(f"message {request['message']}: received; the hub has forgotten the ciphertext")
    for answer in sorted((stack.organisation(GEMEENTE) / "answers").iterdir()):
        say(f"StUF answer: {answer.name}")
    assert stack.postgresql is not None
    with psycopg.connect(stack.postgresql.url()) as connection:
        left = connection.execute(
            "SELECT count(*) FROM messages JOIN ciphertexts USING (body) WHERE id = %s", (request["message"],)
        ).fetchone()
    if left != (0,):
        raise DemoError("the ciphertext is still in the hub's database after the receipt")


def step_proof(stack: Stack, evidence: dict[str, Any]) -> None:
    """Somebody who trusts neither hub nor parties checks the evidence."""
    title("5. An outsider checks the evidence: `ketenhub-log check`")
    policy = write_policy(stack, evidence["log_vkey"])
    print(indent(stack.command("ketenhub-log", "check", evidence["path"], "--policy", policy)))
    say("Without its values, the same evidence still proves who sent what kind of element, when, and on which ground:")
    redacted = stack.home / "redacted.json"
    redacted.write_text(stack.command("ketenhub-log", "redact", evidence["path"]))
    print(indent(stack.command("ketenhub-log", "check", redacted, "--policy", policy)))


def step_refused(stack: Stack) -> None:
    """The same request to the GI has no ground."""
    title(f"6. The gemeente also addresses the request to {GI.title}, and is refused")
    name = drop(stack, GEMEENTE, "verzoek-aan-gi.xml", example(stack, GEMEENTE, "vto", to=GI, scenario="1"))
    problem = await_json(stack.organisation(GEMEENTE) / "refused" / f"{name}.problem.json")
    say(f"{problem['code']}; who must act: {problem['must_act']}")
    say(problem["text_nl"])
    say(problem["text"])
    for reason in {(issue["text_nl"], issue["text"]) for issue in problem["issues"]}:
        say(f"    {reason[0]}")
        say(f"    {reason[1]}")
    if any((stack.organisation(GI) / "in").iterdir()):
        raise DemoError("the GI received something")


def step_answer(stack: Stack, evidence: dict[str, Any]) -> None:
    """The Raad tells the gemeente that the intake is done."""
    title("7. The Raad answers with a notification (notificatieDi01)")
    request_xml = (evidence["path"].parent / evidence["path"].name.replace(".evidence.json", ".xml")).read_bytes()
    xml = example(stack, RAAD, "notificatie", to=GEMEENTE, scenario="1", answers=request_xml)
    name = drop(stack, RAAD, "notificatie.xml", xml)
    result = await_json(stack.organisation(RAAD) / "sent" / f"{name}.result.json")
    (recipient,) = result["recipients"]
    native = await_file(stack.organisation(GEMEENTE) / "in" / f"{recipient['message']}.xml")
    say(f"message {recipient['message']}, purpose {recipient['purpose']}, log entry {recipient['log_index']}")
    say(f"in the gemeente's folder: {native.name}, {native.stat().st_size:,} bytes")


def step_log(stack: Stack) -> None:
    """What the log says, for everyone who may read it."""
    title("8. The log: what happened, in order, without a name, a label or a pseudonym")
    show_log(stack)


def step_canary(stack: Stack) -> None:
    """A participant that was admitted for it sends what must be refused; the hub counts each refusal as proof."""
    title("9. A canary sends what the hub must refuse, each for one reason; one that passed would stop the hub")
    home = stack.organisation(CANARY)
    done = stack.attempt("ketenhub-connector", "canary", "once", "--json", "--home", home)
    outcomes = json.loads(done.stdout or "{}").get("outcomes", [])
    for outcome in outcomes:
        say(f"{outcome['kind']:30} {outcome['verdict']}")
    if done.returncode != 0 or not outcomes:
        raise DemoError(f"a canary was not refused as it must be: {done.stdout}{done.stderr}")
    settings = stack.home / "hub" / "hub.toml"
    proved = json.loads(stack.command("ketenhub", "canary", "status", "--json", "--settings", settings))
    say(f"the hub: {proved['enforcement']}, for {len(proved['refused'])} reasons of the decision")
    if proved["enforcement"] != "proved" or len(proved["refused"]) < len(outcomes):
        raise DemoError("the hub does not count the refusals of the canary as proof")


# ---- helpers ----


@contextlib.contextmanager
def narrower_health_rule(stack: Stack) -> Iterator[None]:
    """Let the gemeente treat care reports as `HEALTH_RULE` says, so that one attachment goes and one stays behind."""
    settings = stack.organisation(GEMEENTE) / "connector.toml"
    before = settings.read_text()
    settings.write_text(before + HEALTH_RULE)
    restart_connector(stack, GEMEENTE)
    try:
        yield
    finally:
        settings.write_text(before)


def restart_connector(stack: Stack, organisation: Organisation) -> None:
    """Stop a connector and start it with its settings of now."""
    stack.processes[organisation.name].stop()
    stack.start_connector(organisation)


def example(
    stack: Stack, sender: Organisation, kind: str, *, to: Organisation, scenario: str, answers: bytes | None = None
) -> bytes:
    """Have the product write an example document."""
    arguments: list[str | Path] = [
        "example", kind, "--home", stack.organisation(sender), "--to", to.oin, "--scenario", scenario,
    ]  # fmt: skip
    if answers is not None:
        path = stack.home / "answers.xml"
        path.write_bytes(answers)
        arguments += ["--answers", path]
    return stack.command("ketenhub-connector", *arguments).encode()


def native_texts(xml: bytes) -> set[str]:
    """Read the texts of a StUF document, header apart, that are long enough to be found by chance nowhere."""
    from lxml import etree  # noqa: PLC0415 - only here

    tree = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    header = {"zender", "ontvanger", "stuurgegevens"}
    texts: set[str] = set()
    for element in tree.iter():
        if not isinstance(element.tag, str) or len(element) or not element.text:
            continue
        ancestors = {etree.QName(parent).localname for parent in element.iterancestors()}
        if not ancestors & header and len(element.text.strip()) >= 6:
            texts.add(element.text.strip())
    return texts
