"""The official compliance scenarios SCN 1, 3 and 4 as example messages: nine requests and eight notifications.

    vto_scenario(8, header=Header(reference="VTO-0008"))
    notification_scenario(4, header=Header(sender=RAAD, receiver=GEMEENTE, reference="NOT-0004"))

They serve the demonstration, whoever connects a system and wants to try it, and the tests. All people are fictitious.

Source: "Testset StUF-Koppelvlak Jeugdzorg Scenario's" 1.0.1 (30-11-2015), restated.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from connectors.formats.stuf.examples import (
    ATTACHMENTS,
    GEMEENTE,
    RAAD,
    Attachment,
    Child,
    Establishment,
    Header,
    Notice,
    Party,
    Person,
    Request,
    example_bsn,
    notification_example,
    vto_example,
)
from connectors.formats.stuf.messages import DOCUMENT_HISTORY

VTO_SCENARIOS: Final = 9
NOTIFICATION_SCENARIOS: Final = 8
_ONE: Final[tuple[Attachment, ...]] = ATTACHMENTS[:1]
_REASON: Final = "gesprek met ouders is nog niet veilig voor het kind"


def _child(number: int, given: str, birth: str, *, key: bool = False) -> Child:
    return Child(
        person=Person(
            bsn=example_bsn(300 + number),
            family="Voorbeeld",
            initials=f"{given[0]}.",
            given=given,
            gender="M" if number % 2 else "V",
            birth=birth,
            key=f"kind-{number}" if key else "",
        )
    )


def _unborn(*, key: str = "") -> Child:
    return Child(person=Person(birth="20270214", key=key), unborn=True)


def _mother() -> Person:
    return Person(
        bsn=example_bsn(400),
        family="Voorbeeld",
        prefix="de",
        initials="M.",
        given="Testmoeder",
        gender="V",
        birth="19880514",
        phone="0600000001",
    )


def _father(number: int) -> Person:
    return Person(
        bsn=example_bsn(500 + number),
        family=f"Testvader{number}",
        initials="V.",
        gender="M",
        birth=f"198{number}0707",
        phone=f"060000010{number}",
    )


_THREE: Final = tuple(
    _child(number, given, f"20{10 + number}0{number}15", key=True)
    for number, given in ((1, "Testzoon"), (2, "Testdochter"), (3, "Benjamin"))
)


def _with_other_fathers(mother: Party, fathers: Party) -> tuple[Party, ...]:
    """Return the mother of all three children and another father for each."""
    return (
        mother,
        *(replace(fathers, person=_father(number), over=(f"kind-{number}",)) for number in (1, 2, 3)),
    )


def _parents(number: int) -> tuple[Party, ...]:
    not_informed = Party(role="ouder met gezag", person=_mother(), informed=False, reason=_REASON)
    informed = Party(role="ouder met gezag", person=_mother(), informed=True)
    return {
        7: _with_other_fathers(not_informed, not_informed),
        8: _with_other_fathers(not_informed, informed),
        9: (informed, replace(informed, person=_father(1))),
    }[number]


def _vto_1(header: Header, request: Request) -> bytes:
    guardian = Person(family="Voogdijman", initials="G.", gender="M", phone="0600000009")
    parties = (Party(role="voogd", person=guardian, informed=True),)
    return vto_example(
        header=header,
        request=request,
        children=(_child(1, "Testzoon", "20110115"),),
        parties=parties,
        attachments=_ONE,
    )


def _vto_2(header: Header, request: Request) -> bytes:
    child = Child(
        person=Person(rni="12345678901234567", family="Voorbeeld", given="Testkind", gender="O", unknown=True)
    )
    parties = (Party(role="voogd", establishment=Establishment(number="000012345678"), informed=True),)
    return vto_example(header=header, request=request, children=(child,), parties=parties, attachments=_ONE)


def _vto_3(header: Header, request: Request) -> bytes:
    parties = (Party(role="ouder met gezag", person=_mother(), informed=True),)
    return vto_example(header=header, request=request, children=(_unborn(),), parties=parties, attachments=_ONE)


def _vto_4(header: Header, request: Request) -> bytes:
    born = _child(1, "Testzoon", "20140101", key=True)
    born = replace(born, person=replace(born.person, incomplete="M"))
    parties = (
        Party(role="ouder met gezag", person=_mother(), informed=True, over=("kind-ongeboren",)),
        Party(role="ouder met gezag", person=_father(1), informed=True, over=("kind-1",)),
    )
    children = (_unborn(key="kind-ongeboren"), born)
    return vto_example(header=header, request=request, children=children, parties=parties, attachments=_ONE)


def _vto_5(header: Header, request: Request) -> bytes:
    parties = (Party(role="ouder met gezag", person=_mother(), informed=True),)
    children = (_unborn(), *_THREE)
    return vto_example(header=header, request=request, children=children, parties=parties, attachments=_ONE)


def _vto_6(header: Header, request: Request) -> bytes:
    attachments = (ATTACHMENTS[0], replace(ATTACHMENTS[1], description=DOCUMENT_HISTORY), ATTACHMENTS[2])
    return vto_example(header=header, request=request, attachments=attachments)


def _vto_family(number: int) -> Callable[[Header, Request], bytes]:
    def make(header: Header, request: Request) -> bytes:
        return vto_example(header=header, request=request, children=_THREE, parties=_parents(number), attachments=_ONE)

    return make


_VTOS: Final[dict[int, Callable[[Header, Request], bytes]]] = {
    1: _vto_1,
    2: _vto_2,
    3: _vto_3,
    4: _vto_4,
    5: _vto_5,
    6: _vto_6,
    **{number: _vto_family(number) for number in (7, 8, 9)},
}


def vto_scenario(number: int, *, header: Header | None = None, case_number: str = "") -> bytes:
    """Return one of the nine correct requests of SCN 1.

    Args:
        number: 1 to 9.
        header: Who sends what to whom; None for gemeente to Raad with a number of the scenario.
        case_number: The municipality's case number; empty for one of the scenario.

    Raises:
        KeyError: There is no such scenario.
    """
    make = _VTOS[number]
    request = Request(case_number=case_number or f"ZAAK-SCN1-{number}")
    return make(header or Header(reference=f"VTO-SCN1-{number}"), request)


_BORN: Final = Child(
    person=Person(bsn=example_bsn(301), family="Voorbeeld", given="Testzoon", gender="M", birth="20110115")
)
_NOTICES: Final[dict[int, tuple[Notice, Child, Person | None]]] = {
    1: (Notice(), _BORN, None),
    2: (Notice(status="Onderzoek afgerond", result="Geen rekest Kinderbescherming"), _BORN, None),
    3: (
        Notice(status="Onderzoek afgerond"),
        Child(
            person=Person(
                family="Voorbeeld",
                given="Testkind",
                gender="O",
                unknown=True,
                extras=(("anp.identificatie", "12345678901234567"),),
            )
        ),
        None,
    ),
    4: (
        Notice(status="Onderzoek afgerond"),
        _unborn(),
        Person(family="Šæđœŷĳ-Çelïköz", prefix="van 't", given="Zoë Ærøñà ﬁ", gender="V", unknown=True),
    ),
    5: (
        Notice(status="Onderzoek afgerond"),
        Child(person=Person(family="Voorbeeld", prefix="van der", initials="T.", given="Testkind", gender="V")),
        None,
    ),
    6: (
        Notice(
            status="Zaak afgerond",
            result="Maatregel opgelegd",
            decisions=(("20250102", "ondertoezichtstelling voor een jaar"),),
        ),
        _BORN,
        None,
    ),
    7: (
        Notice(
            municipal_case="",
            extras=(("berichttype", "BT-050009"), ("berichttypeOmschrijving", "Ambtshalve onderzoek gestart")),
        ),
        _BORN,
        None,
    ),
    8: (
        Notice(
            status="Onderzoek afgerond",
            municipal_case="",
            extras=(("berichttype", "BT-050010"), ("berichttypeOmschrijving", "Ambtshalve onderzoek afgerond")),
        ),
        _BORN,
        None,
    ),
}


def notification_scenario(number: int, *, header: Header | None = None, municipal_case: str = "") -> bytes:
    """Return one of the eight correct notifications: 1 to 6 of SCN 3, 7 and 8 of SCN 4.

    Args:
        number: 1 to 8.
        header: Who sends what to whom; None for Raad to gemeente with a number of the scenario.
        municipal_case: The municipality's case number that is answered; empty for one of the scenario. Scenarios 7
            and 8 answer none.

    Raises:
        KeyError: There is no such scenario.
    """
    notice, child, mother = _NOTICES[number]
    if notice.municipal_case:
        notice = replace(notice, municipal_case=municipal_case or "ZAAK-SCN1-1")
    notice = replace(notice, case_number=f"RVDK-SCN-{number}")
    default = Header(
        sender=RAAD,
        sender_application="Voorbeeldraadsysteem",
        receiver=GEMEENTE,
        receiver_application="Voorbeeldzaaksysteem",
        reference=f"NOT-SCN-{number}",
        time="20261123140100",
    )
    return notification_example(header=header or default, notice=notice, child=child, mother=mother)
