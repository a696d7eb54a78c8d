"""The definitions say what the domain's tables say, and data that contradicts itself does not load."""

import copy
import tomllib
from collections.abc import Callable
from datetime import date
from importlib import resources
from typing import Any

import pytest

from schemas.canonical import canonical_json
from schemas.codes import Category, Interaction, Role
from schemas.definitions import ElementDefinition, ReplyRule, ValueType, load_definitions, read_definitions
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.identifiers import OIN, HubName, MessageId
from schemas.randomness import UnsafeSeededRandomness
from schemas.sdjwt import encode_disclosure
from schemas.sealing import SealingAddress, SealingPrivateKey, seal_submission

DEFINITIONS = load_definitions()

# Written from the table of profiles by hand, so that the data is held against a second reading of it.
STATEMENT = "statementType source observedOn reaction"
PROFILES = {
    "verzoek": (
        "ServiceRequest",
        {
            "proces": "identifier relatedIdentifier authoredOn occurrence priority code requesterRole confidentiality",
            "zorgen": "reasonText",
        },
    ),
    "jeugdige": (
        "Patient",
        {
            "identificatie": "identifier name gender birthDate expectedDate",
            "adres": "address",
            "adres-geheim": "secretAddress",
            "contact": "telecom",
        },
    ),
    "gezagsdrager": (
        "RelatedPerson",
        {
            "identificatie": "identifier name gender birthDate organisation",
            "gezag-relaties": "relationship over informed notInformedReason",
            "contact": "telecom",
            "adres": "address",
            "adres-geheim": "secretAddress",
        },
    ),
    "professional": (
        "PractitionerRole",
        {
            "professional": "kind identifier employeeNumber name role organisation period registerStatus",
            "contact": "telecom",
        },
    ),
    "ontwikkelingsbedreiging": ("Condition", {"zorgen": f"code description onset verificationStatus {STATEMENT}"}),
    "risicofactor": ("RiskAssessment", {"zorgen": f"factor instrument level basis {STATEMENT}"}),
    "beschermende-factor": ("Observation", {"zorgen": f"code finding domain {STATEMENT}"}),
    "opvoedvaardigheid": ("Observation", {"zorgen": f"code finding domain {STATEMENT}"}),
    "leefgebied": ("Observation", {"zorgen": f"code finding {STATEMENT}"}),
    "leefgebied-gezondheid": ("Observation", {"gezondheid": f"code finding {STATEMENT}"}),
    "leefgebied-justitie": ("Observation", {"strafrecht": f"code finding {STATEMENT}"}),
    "leefgebied-financien": ("Observation", {"financien": f"code finding {STATEMENT}"}),
    "hulpverlening": ("EpisodeOfCare", {"hulpverlening": "product provider period outcome"}),
    "maatregel": (
        "EpisodeOfCare",
        {"besluit": "type period court caseNumber executor groundArticle basis prior"},
    ),
    "status": ("Task", {"proces": "businessStatus date result reference relatedReference trigger"}),
    "besluit": ("DocumentReference", {"besluit": "decided effective ends note"}),
    "document": (
        "DocumentReference",
        {
            "document": "identifier description title fileName language status created author confidentiality"
            " contentType hash data"
        },
    ),
    "klacht": ("Communication", {"klacht": "step theme received outcome"}),
    "plan": ("CarePlan", {"proces": "dates kind"}),
    "contactmoment": ("Encounter", {"proces": "dates kind"}),
    "vraag": ("Task", {"proces": "categories term refusal accepted", "zorgen": "question"}),
    "melder": ("RelatedPerson", {"melder": "name relationship telecom"}),
    "bericht": (
        "MessageHeader",
        {
            "proces": "reference sentAt senderSystem recipientSystem recipientUnit spoedNote",
            "professional": "senderUser",
        },
    ),
}
PROFILES["correctie"] = (
    "Task",
    {category.value: f"wrong-{category.value}" for category in Category}
    | {"proces": "corrects reason requestedBy wrong-proces"},
)
PROFILES["andere-persoon"] = PROFILES["gezagsdrager"]
PROFILES["document-gezondheid"] = ("DocumentReference", {"gezondheid": PROFILES["document"][1]["document"]})


NARROW = {
    "melder": "melder",
    "document-gezondheid": "gezondheid",
    "leefgebied-gezondheid": "gezondheid",
    "leefgebied-justitie": "strafrecht",
    "leefgebied-financien": "financien",
}
"""Profiles whose unknown native elements go nowhere that the rest of the item may not: decision 0008."""


def raw() -> dict[str, Any]:
    """Return the data as it stands in the files."""
    folder = resources.files("schemas.definitions") / "data"
    data: dict[str, Any] = {
        name: tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))
        for name in ("definitions", "elements", "profiles")
    }
    for kind in ("codelists", "message_types"):
        data[kind] = {
            file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
            for file in (folder / kind).iterdir()
        }
    return copy.deepcopy(data)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_profile_has_the_elements_and_categories_of_the_domain(name: str) -> None:
    resource, categories = PROFILES[name]
    expected = {element: category for category, names in categories.items() for element in names.split()}
    narrow = NARROW.get(name)
    expected |= {"extra": narrow or "proces", "extraText": narrow or "zorgen"}
    profile = DEFINITIONS.profile(name)
    assert expected == {element.name: element.category.value for element in profile.elements.values()}
    assert resource == profile.resource


def test_no_profile_is_there_that_the_domain_does_not_have() -> None:
    assert set(PROFILES) == set(DEFINITIONS.profiles)


def test_only_a_person_with_authority_or_another_person_can_be_an_institution() -> None:
    found = {profile.name for profile in DEFINITIONS.profiles.values() if profile.other_resource}
    assert {"gezagsdrager", "andere-persoon"} == found


def test_a_secret_address_is_visible_in_its_label() -> None:
    secret = {
        (profile.name, element.name)
        for profile in DEFINITIONS.profiles.values()
        for element in profile.elements.values()
        if element.category is Category.ADRES_GEHEIM
    }
    addresses = {(name, "secretAddress") for name in ("jeugdige", "gezagsdrager", "andere-persoon")}
    assert addresses | {("correctie", "wrong-adres-geheim")} == secret


def test_a_request_goes_to_the_raad_and_is_answered_by_notifications_until_the_case_is_closed() -> None:
    kind = DEFINITIONS.message_type("verzoek-tot-onderzoek")
    assert kind.interaction is Interaction.OPDRACHT
    assert {Role.GEMEENTE, Role.VEILIG_THUIS, Role.GI} == kind.senders
    assert {Role.RAAD} == kind.recipients
    assert kind.expects_reply
    assert kind.replies == ("notificatie-onderzoek",)
    assert kind.final_reply is not None
    assert kind.final_reply.code == "Zaak afgerond"
    assert kind.reply_to is ReplyRule.NEVER


def test_a_notification_is_news_from_the_raad_and_expects_nothing() -> None:
    kind = DEFINITIONS.message_type("notificatie-onderzoek")
    assert kind.interaction is Interaction.GEBEURTENIS
    assert {Role.RAAD} == kind.senders
    assert {Role.GEMEENTE, Role.VEILIG_THUIS, Role.GI} == kind.recipients
    assert not kind.expects_reply
    assert kind.answers == ("verzoek-tot-onderzoek",)


def test_a_notification_never_holds_report_content_or_an_address() -> None:
    kind = DEFINITIONS.message_type("notificatie-onderzoek")
    categories = {
        DEFINITIONS.category(rule.profile, element) for rule in kind.content.values() for element in rule.elements
    }
    allowed = {
        Category.IDENTIFICATIE,
        Category.GEZAG_RELATIES,
        Category.PROCES,
        Category.BESLUIT,
        Category.PROFESSIONAL,
    }
    assert allowed == categories


def test_domains_of_life_in_a_request_are_proposed_and_off() -> None:
    kind = DEFINITIONS.message_type("verzoek-tot-onderzoek")
    off = {rule.profile for rule in kind.content.values() if rule.off}
    areas = {name for name in DEFINITIONS.profiles if name.startswith("leefgebied")}
    assert off == areas | {"ontwikkelingsbedreiging"}
    assert not kind.permits("leefgebied", "finding")
    assert kind.permits("jeugdige", "secretAddress")


@pytest.mark.parametrize(("profile", "element"), [("geen", "name"), ("jeugdige", "geen")])
def test_a_label_that_nobody_defined_has_no_category(profile: str, element: str) -> None:
    with pytest.raises(DocumentError) as caught:
        DEFINITIONS.category(profile, element)
    assert caught.value.code.startswith("sender.structure.")


def test_a_message_type_that_nobody_defined_is_refused() -> None:
    with pytest.raises(DocumentError):
        DEFINITIONS.message_type("geen")


def test_a_code_holds_from_its_first_to_its_last_day() -> None:
    roles = DEFINITIONS.code_lists["jeugdzorgrol"]
    assert roles.find("015", on=date(2014, 6, 30)) is None
    assert roles.find("015", on=date(2014, 7, 1)) is not None
    assert roles.find("015", on=date(2016, 5, 24)) is not None
    assert roles.find("015", on=date(2016, 5, 25)) is None
    assert roles.find("999", on=date(2026, 11, 23)) is None


def test_the_domain_names_23_roles_and_they_hold_today() -> None:
    kin, family = "111 112 113 114 115 121 122 125 139 191", "211 212 213 221 222"
    named = f"{kin} {family} 301 391 392 393 411 412 413 491".split()
    roles = DEFINITIONS.code_lists["jeugdzorgrol"]
    assert named == sorted(code for code in roles.codes if roles.find(code, on=date(2026, 11, 23)))


def test_a_diagnostic_document_belongs_under_health() -> None:
    def kinds(profile: str) -> frozenset[str] | None:
        return DEFINITIONS.profile(profile).elements["description"].allowed

    assert "Diagnostisch onderzoek" not in (kinds("document") or ())
    assert "Diagnostisch onderzoek" in (kinds("document-gezondheid") or ())


def test_each_domain_of_life_is_in_the_profile_of_its_category() -> None:
    expected = {
        "leefgebied": {"02", "03", "04", "05", "06", "07", "11"},
        "leefgebied-gezondheid": {"08", "09", "10"},
        "leefgebied-justitie": {"12"},
        "leefgebied-financien": {"01"},
    }
    found = {name: set(DEFINITIONS.profile(name).elements["code"].allowed or ()) for name in expected}
    assert expected == found


def coded_values(element: ElementDefinition) -> tuple[JSONValue, ...]:
    """List every value that an element's code list lets it have, those too that no longer hold, as each is sealed."""
    assert element.codes is not None
    codes = sorted(element.allowed or ())
    if element.value is ValueType.CODE:
        return tuple(codes)
    return tuple({"coding": [{"code": code, "system": element.codes.system}]} for code in codes)


@pytest.mark.parametrize(
    ("profile", "element"),
    sorted(
        (profile.name, element.name)
        for profile in DEFINITIONS.profiles.values()
        for element in profile.elements.values()
        if element.codes is not None
    ),
)
def test_every_value_of_a_code_list_is_sealed_to_one_length(profile: str, element: str) -> None:
    """Otherwise the length of the sealed element would tell `male` from `female`."""
    randomness = UnsafeSeededRandomness("one length")
    key = SealingPrivateKey.from_seed(bytes(32)).public
    address = SealingAddress(
        hub=HubName("hub.ketenhub.test"),
        sender=OIN("00000099000000001000"),
        message_id=MessageId("0194f0a0-0000-7000-8000-000000000001"),
        recipient=OIN("00000099000000002000"),
        kid=key.kid,
    )
    values = coded_values(DEFINITIONS.profile(profile).elements[element])
    disclosures = [encode_disclosure(salt=randomness.bytes(16), value=value) for value in values]
    sealed = seal_submission(disclosures, address=address, recipient_key=key, randomness=randomness)
    assert len(sealed.elements) == len(values) >= 1
    assert len({len(each) for each in sealed.elements}) == 1


def test_every_element_has_an_example_that_is_canonical_json_and_titles_in_both_languages() -> None:
    for profile in DEFINITIONS.profiles.values():
        assert profile.nl
        assert profile.en
        for element in profile.elements.values():
            assert canonical_json(element.example)
            assert element.nl
            assert element.en
            assert element.max >= 1


def test_the_digest_covers_every_datum() -> None:
    assert read_definitions(raw()).digest == DEFINITIONS.digest
    changes: list[Callable[[dict[str, Any]], object]] = [
        lambda data: data["definitions"].update(version="1.1"),
        lambda data: data["codelists"]["jeugdzorgrol"]["codes"][0].update(until=date(2030, 1, 1)),
        lambda data: data["profiles"]["profiles"]["jeugdige"]["elements"]["address"].update(category="contact"),
        lambda data: data["message_types"]["verzoek-tot-onderzoek"]["groups"][2].update(max=4),
    ]
    for change in changes:
        data = raw()
        change(data)
        assert read_definitions(data).digest != DEFINITIONS.digest


def test_the_definitions_are_read_once() -> None:
    assert load_definitions() is load_definitions()


def _row(data: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = data["profiles"]["profiles"]["jeugdige"]["elements"]["name"]
    return row


def _profile(data: dict[str, Any], name: str) -> dict[str, Any]:
    profile: dict[str, Any] = data["profiles"]["profiles"][name]
    return profile


def _reaction(data: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = data["profiles"]["statement"]["reaction"]
    return row


def _kind(data: dict[str, Any]) -> dict[str, Any]:
    kind: dict[str, Any] = data["message_types"]["verzoek-tot-onderzoek"]
    return kind


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "an unknown member of an element": lambda data: _row(data).update(colour="red"),
    "a category that there is not": lambda data: _row(data).update(category="geheim"),
    "a datatype that there is not": lambda data: _row(data).update(value="Money"),
    "an element without a place": lambda data: _row(data).pop("place"),
    "an element without a title": lambda data: data["elements"]["titles"].pop("name"),
    "a code list that there is not": lambda data: _row(data).update(codes="kleuren"),
    "codes of no list": lambda data: _row(data).update(only=["1"]),
    "a code that the list does not have": lambda data: _row(data).update(codes="leefgebied", only=["99"]),
    "an extension without url": lambda data: _row(data).update(value="Extension"),
    "an element that every profile has": lambda data: data["profiles"]["profiles"]["jeugdige"]["elements"].update(
        extra=dict(_row(data))
    ),
    "two periods of a code that overlap": lambda data: data["codelists"]["leefgebied"]["codes"].append(
        {"code": "01", "nl": "Geld", "from": date(2020, 1, 1)}
    ),
    "a code that ends before it begins": lambda data: data["codelists"]["leefgebied"]["codes"].append(
        {"code": "13", "nl": "Nieuw", "from": date(2020, 1, 1), "until": date(2019, 1, 1)}
    ),
    "a code list of another name": lambda data: data["codelists"]["leefgebied"].update(name="levensgebied"),
    "a code without a name": lambda data: data["codelists"]["leefgebied"]["codes"].append({"code": "13"}),
    "a floating point number": lambda data: data["definitions"].update(version=1.0),
    "a message type of another name": lambda data: _kind(data).update(name="vto"),
    "a profile that there is not": lambda data: _kind(data)["content"].update(niets={}),
    "an element that the profile does not have": lambda data: _kind(data)["content"]["melder"].update(
        elements=["address"]
    ),
    "a need that is not permitted": lambda data: _kind(data)["content"]["melder"].update(
        elements=["name"], needs=[{"any_of": [["telecom"]]}]
    ),
    "a minimum above the maximum": lambda data: _kind(data)["content"]["bericht"].update(min=2),
    "a need of what is off": lambda data: _kind(data)["content"]["leefgebied"].update(min=1),
    "a group member outside the content": lambda data: _kind(data)["groups"][0].update(members=[{"profile": "klacht"}]),
    "a group that needs what is not permitted": lambda data: _kind(data)["groups"][0].update(
        members=[{"profile": "professional", "elements": ["address"]}]
    ),
    "a reply that there is not": lambda data: _kind(data).update(replies=["antwoord"]),
    "a last reply that is no code": lambda data: _kind(data)["final_reply"].update(code="klaar"),
    "a last reply of a profile that there is not": lambda data: _kind(data)["final_reply"].update(profile="stand"),
    "a first reply that no reply has a place for": lambda data: _kind(data).update(
        interim_reply={"profile": "vraag", "element": "refusal", "code": "volgt-later"}
    ),
    "an assignment without an answer": lambda data: _kind(data).update(replies=[]),
    "an assignment that its receipt and a message answer": lambda data: _kind(data).update(answered_by_receipt=True),
    "a question that nothing answers": lambda data: data["message_types"]["informatieverzoek"].update(replies=[]),
    "a claim that is needed and not used": lambda data: _kind(data).update(needs_claims=["asks"]),
    "a finding that the profile does not have": lambda data: _profile(data, "leefgebied").update(
        statement=["bevinding"]
    ),
    "a finding that may stand without its source": lambda data: data["message_types"]["raadsrapport"]["content"][
        "leefgebied"
    ].update(without=["source"]),
    "an element of a category that the type does not have": lambda data: data["message_types"]["klacht"]["content"][
        "bericht"
    ].update(elements=["senderUser"]),
    "a profile of which nothing may stand": lambda data: data["message_types"]["klacht"]["content"].update(melder={}),
    "parts that there are not": lambda data: _reaction(data).update(parts="antwoord"),
    "parts of what is no extension": lambda data: _row(data).update(parts="reaction"),
    "a part that is no primitive": lambda data: data["profiles"]["parts"]["reaction"]["text"].update(value="Period"),
    "a part of a code list that there is not": lambda data: data["profiles"]["parts"]["reaction"]["kind"].update(
        codes="kleuren"
    ),
    "an unknown member of a part": lambda data: data["profiles"]["parts"]["reaction"]["kind"].update(colour="red"),
    "a part in the past that is no date": lambda data: data["profiles"]["parts"]["reaction"]["kind"].update(past=True),
    "a name in the past": lambda data: _row(data).update(past=True),
    "a claim that there is not": lambda data: _kind(data).update(claims=["wants"]),
    "a role that there is not": lambda data: _kind(data).update(senders=["school"]),
    "an unknown member of a message type": lambda data: _kind(data).update(colour="red"),
}


@pytest.mark.parametrize("defect", sorted(BROKEN))
def test_definitions_that_contradict_themselves_do_not_load(defect: str) -> None:
    data = raw()
    BROKEN[defect](data)
    with pytest.raises(ValueError, match=r"\w"):
        read_definitions(data)


def test_a_code_may_come_back_after_its_end() -> None:
    data = raw()
    data["codelists"]["jeugdzorgrol"]["codes"].append({"code": "015", "nl": "moeder", "from": date(2028, 1, 1)})
    roles = read_definitions(data).code_lists["jeugdzorgrol"]
    assert roles.find("015", on=date(2027, 12, 31)) is None
    assert roles.find("015", on=date(2028, 1, 1)) is not None


def test_value_types_that_start_small_are_primitives() -> None:
    assert ValueType.DATE.primitive
    assert not ValueType.HUMAN_NAME.primitive
