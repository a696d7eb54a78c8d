"""What a person must know and confirm, by the API."""

from http import HTTPStatus

from connectors.agent.journal import confirm
from connectors.agent.overview import overview
from connectors.agent.recording import today
from connectors.api.calls import Answer, Api, Call
from connectors.api.problems import RequestError
from schemas.document import JSONValue


async def status(_: Call, api: Api) -> Answer:
    """Say what needs a person, what is under way, and what was sent and received lately."""
    services = api.services
    value: dict[str, JSONValue] = {"oin": services.settings.oin.value, "name": services.settings.name}
    for name, lines in overview(services.journal, definitions=services.policy.definitions, day=today(services)).items():
        value[name] = [*lines]
    return Answer(value=value)


async def confirm_notice(call: Call, api: Api) -> Answer:
    """Say that a person has seen a notice."""
    number = call.places["number"]
    known = number.isdecimal() and any(str(each.id) == number for each in api.services.journal.open_notices())
    if not known:
        raise RequestError(
            "there is no open notice with this number",
            "er is geen open melding met dit nummer",
            code="sender.notice.unknown",
        )
    with api.services.journal.step("confirmed") as db:
        confirm(db, about=number, at=api.services.clock.now())
    return Answer(status=HTTPStatus.NO_CONTENT)
