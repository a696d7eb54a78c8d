"""Identifiers check themselves on the way in, and show nothing that must not be seen."""

from datetime import UTC, datetime
from itertools import product

import pytest

from schemas.errors import DocumentError
from schemas.identifiers import (
    BSN,
    OIN,
    RNI,
    CaseId,
    HubName,
    Identifier,
    MessageId,
    ProfessionalNumber,
    SubjectTag,
    Thumbprint,
)
from schemas.randomness import UnsafeSeededRandomness, new_message_id

RIGHT: list[Identifier] = [
    OIN("00000099000000001000"),
    BSN("999911120"),
    RNI("12345678901234567"),
    ProfessionalNumber("110012345"),
    ProfessionalNumber("A"),
    ProfessionalNumber("MDW 0017 / noord-zz."),
    MessageId("0194f0a0-0000-7000-8000-00000000abcd"),
    CaseId("7d0c" * 8),
    SubjectTag("0." + "A" * 21 + "w"),
    SubjectTag("999999." + "_-" * 10 + "AA"),
    Thumbprint("k" * 42 + "8"),
    HubName("hub.ketenhub.test"),
    HubName("a"),
    HubName("h-2." + "a" * 63),
]


MASKS = {
    "OIN": "OIN(…1000)",
    "BSN": "BSN(…)",
    "RNI": "RNI(…)",
    "ProfessionalNumber": "ProfessionalNumber(…45)",
    "MessageId": "MessageId(…00000000abcd)",
    "CaseId": "CaseId(…7d0c)",
    "SubjectTag": "SubjectTag(…)",
    "Thumbprint": "Thumbprint(…kkkkk8)",
    "HubName": "HubName(…hub.ketenhub.test)",
}


@pytest.mark.parametrize("name", sorted(MASKS))
def test_an_identifier_shows_a_mask_wherever_its_text_is_not_asked_for(name: str) -> None:
    identifier = next(each for each in RIGHT if type(each).__name__ == name)
    assert [repr(identifier), str(identifier), f"{identifier}", f"{identifier!s:>1}"] == [MASKS[name]] * 4


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (OIN, ""),
        (OIN, "0000009900000000100"),
        (OIN, "000000990000000010000"),
        (OIN, "0000009900000000100a"),
        (OIN, "00000099000000001000\n"),
        (OIN, "٠٠٠٠٠٠٩٩٠٠٠٠٠٠٠٠١٠٠٠"),
        (BSN, "99991112"),
        (BSN, "9999111200"),
        (BSN, "999911121"),
        (BSN, "000000000"),
        (RNI, "1234567890123456"),
        (RNI, "123456789012345678"),
        (ProfessionalNumber, ""),
        (ProfessionalNumber, " 1"),
        (ProfessionalNumber, "1 "),
        (ProfessionalNumber, "1" * 21),
        (ProfessionalNumber, "1\n2"),
        (ProfessionalNumber, "é"),
        (MessageId, "0194f0a0-0000-4000-8000-00000000abcd"),
        (MessageId, "0194f0a0-0000-7000-c000-00000000abcd"),
        (MessageId, "0194F0A0-0000-7000-8000-00000000ABCD"),
        (MessageId, "0194f0a0000070008000" + "0" * 12),
        (CaseId, "7D0C" * 8),
        (CaseId, "0" * 31),
        (SubjectTag, "A" * 22),
        (SubjectTag, "01." + "A" * 22),
        (SubjectTag, "1000000." + "A" * 22),
        (SubjectTag, "1." + "A" * 21 + "B"),
        (SubjectTag, "1." + "A" * 22 + "=="),
        (Thumbprint, "k" * 42 + "l"),
        (Thumbprint, "k" * 42),
        (HubName, ""),
        (HubName, "HUB.example.nl"),
        (HubName, "-hub.example.nl"),
        (HubName, "hub-.example.nl"),
        (HubName, "hub..nl"),
        (HubName, "hub.example.nl."),
        (HubName, "a" * 64),
        (HubName, ".".join(["a" * 62] * 5)),
    ],
)
def test_what_is_none_is_refused_without_being_repeated(kind: type[Identifier], text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        kind(text)
    error = caught.value
    assert error.code == error.issues[0].code == f"sender.{kind._code}.invalid"
    assert (str(error), error.detail) == (f"not a valid {kind.__name__}", "")


def test_of_every_ten_numbers_the_eleven_test_leaves_at_most_one() -> None:
    """The definition word for word: 9a + 8b + 7c + 6d + 5e + 4f + 3g + 2h − i is divisible by 11."""
    for tail in product("0123456789", repeat=3):
        number = "999911" + "".join(tail)
        total = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), number, strict=False)) - int(tail[-1])
        try:
            taken = bool(BSN(number))
        except DocumentError:
            taken = False
        assert taken == (total % 11 == 0)


def test_an_oin_is_read_from_its_urn_and_from_nothing_else() -> None:
    assert OIN.from_urn("urn:nld:oin:00000099000000001000") == OIN("00000099000000001000")
    assert OIN("00000099000000001000").urn == "urn:nld:oin:00000099000000001000"
    for text in ("00000099000000001000", "URN:NLD:OIN:00000099000000001000", "urn:nld:oin:", ""):
        with pytest.raises(DocumentError):
            OIN.from_urn(text)


def test_a_tag_tells_its_epoch() -> None:
    assert [SubjectTag(f"{epoch}." + "A" * 22).epoch for epoch in (0, 7, 999_999)] == [0, 7, 999_999]


def test_identifiers_of_different_kinds_are_different() -> None:
    assert CaseId("0" * 32) == CaseId("0" * 32)
    assert {OIN("0" * 20), OIN("0" * 20)} == {OIN("0" * 20)}
    pair: list[Identifier] = [BSN("999911120"), ProfessionalNumber("999911120")]
    assert pair[0] != pair[1]


def test_a_message_id_begins_with_the_milliseconds_of_its_moment() -> None:
    """RFC 9562, section 5.7 and its test vector in appendix A.6."""
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    randomness = UnsafeSeededRandomness("message ids")
    drawn = [new_message_id(at=at, randomness=randomness).value for _ in range(100)]
    assert {text[:15] for text in drawn} == {"017f22e2-79b0-7"}
    assert {text[19] for text in drawn} <= set("89ab")
    assert len(set(drawn)) == 100
