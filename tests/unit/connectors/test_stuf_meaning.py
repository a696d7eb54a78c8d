"""What a StUF file means: profiles, elements, people, and whom each item is about."""

from dataclasses import replace

from lxml import etree

from connectors.formats.stuf import Conventions, read_stuf, write_stuf
from connectors.formats.stuf.conventions import DEFAULT_EXTRAS, ExtraName, Meaning, Place
from connectors.formats.stuf.examples import (
    ATTACHMENTS,
    CHILDREN,
    PARTIES,
    RAAD,
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
from connectors.formats.stuf.names import NATIVE_EXTENSION
from connectors.formats.stuf.scenarios import notification_scenario, vto_scenario
from schemas.codes import Necessity, SubjectRole
from schemas.document import Document, DocumentItem, DocumentResponsible, JSONValue
from schemas.identifiers import BSN_SYSTEM, RNI_SYSTEM
from tests.support.stuf_xsd import what_it_says, xsd_errors


def item(document: Document, item_id: str) -> DocumentItem:
    (found,) = (known for known in document.items if known.id == item_id)
    return found


def one(document: Document, item_id: str, element: str) -> JSONValue:
    (value,) = item(document, item_id).elements[element]
    return value


def test_the_header_becomes_the_documents_head() -> None:
    document = read_stuf(vto_example(header=Header(reference="R-1", user="gebruiker")))

    assert document.type == "verzoek-tot-onderzoek"
    assert document.reference == "R-1"
    assert (document.sender.organisation, document.sender.application) == (
        "00000099000000001000",
        "Voorbeeldzaaksysteem",
    )
    assert document.receiver.organisation == RAAD
    assert document.responsible == DocumentResponsible(register=None, number="MW-0042")
    assert (document.case_reference, document.thread) == ("ZAAK-2026-0001", None)
    assert one(document, "bericht", "reference") == "R-1"
    assert one(document, "bericht", "senderUser") == "gebruiker"


def test_a_notification_names_the_case_it_answers_and_nobody_responsible() -> None:
    document = read_stuf(notification_example())

    assert document.type == "notificatie-onderzoek"
    assert (document.thread, document.case_reference) == ("ZAAK-2026-0001", "RVDK-2026-0001")
    assert document.responsible is None


def test_times_are_amsterdams_in_summer_and_winter_and_keep_their_precision() -> None:
    moments = {
        "20261123120000": "2026-11-23T12:00:00+01:00",
        "20260701083000123": "2026-07-01T08:30:00.123+02:00",
        "20261123": "2026-11-23",
    }
    for text, moment in moments.items():
        sent = vto_example(header=Header(time=text))
        document = read_stuf(sent)
        assert moment == one(document, "bericht", "sentAt")
        assert f">{text}<".encode() in write_stuf(document)


def test_an_address_list_code_becomes_the_recipients_unit() -> None:
    sent = vto_example(header=Header(receiver="RC0102"))
    document = read_stuf(sent)

    assert document.receiver.organisation == "RC0102"
    assert one(document, "bericht", "recipientUnit") == "RC0102"
    at_the_raad = replace(document, receiver=replace(document.receiver, organisation=RAAD))
    assert b"<StUF:organisatie>RC0102<" in write_stuf(at_the_raad)


def test_a_file_names_as_its_sender_who_signed_and_nobody_else() -> None:
    """What rode along, or stood in a value, has no say in it."""
    document = read_stuf(vto_example())
    signed = replace(document, sender=replace(document.sender, organisation="urn:nld:oin:00000099000000003000"))

    written = write_stuf(signed)
    assert b"<StUF:organisatie>00000099000000003000<" in written
    assert b"00000099000000001000" not in written


def test_everyone_with_a_number_is_one_subject_and_items_are_about_whom_they_tell() -> None:
    document = read_stuf(vto_scenario(7))
    children, mother = (0, 1, 2), 3

    assert [subject.role for subject in document.subjects] == [SubjectRole.JEUGDIGE] * 3 + [SubjectRole.OUDER] * 4
    assert [item(document, f"k{number}").about for number in (1, 2, 3)] == [(0,), (1,), (2,)]
    assert item(document, "b1").about == (mother,)
    for item_id in ("bericht", "verzoek", "uitvoerder", "d1"):
        assert item(document, item_id).about == children


def test_somebody_named_twice_is_one_subject() -> None:
    """A child that is also named as an interested party has one pseudonym."""
    child = CHILDREN[0].person
    parties = (*PARTIES, Party(role="jeugdige", person=replace(child, address=None)))
    document = read_stuf(vto_example(parties=parties))

    assert len(document.subjects) == 2
    assert item(document, "b2").about == (0,)


def test_each_father_is_about_his_own_child() -> None:
    document = read_stuf(vto_scenario(7))

    assert "over" not in item(document, "b1").elements
    assert [one(document, f"b{number}", "over") for number in (2, 3, 4)] == ["k1", "k2", "k3"]


def test_a_child_named_by_its_bsn_is_found_and_the_number_does_not_stand_among_the_relations() -> None:
    """A BSN is identification, whatever names it."""
    mother = replace(PARTIES[0], over=(example_bsn(100),))
    sent = vto_example(parties=(mother,))
    document = read_stuf(sent)

    assert one(document, "b1", "over") == "k1"
    assert example_bsn(100) not in repr(item(document, "b1"))
    assert sent.count(example_bsn(100).encode()) == write_stuf(document).count(example_bsn(100).encode())


def test_informed_and_not_informed_with_the_reason() -> None:
    document = read_stuf(vto_scenario(8))

    assert [one(document, f"b{number}", "informed") for number in (1, 2, 3, 4)] == [False, True, True, True]
    assert one(document, "b1", "notInformedReason") == "gesprek met ouders is nog niet veilig voor het kind"


def test_yes_and_no_are_read_in_every_known_way_and_written_back_as_they_came() -> None:
    for text, informed in (("J", True), ("ja", True), ("TRUE", True), ("N", False), ("Nee", False)):
        party = replace(PARTIES[0], informed=True, reason="geen")
        sent = vto_example(parties=(party,)).replace(b">true<", f">{text}<".encode())
        document = read_stuf(sent)
        value = one(document, "b1", "informed")
        assert (value["value"] if isinstance(value, dict) else value) is informed
        assert f">{text}<".encode() in write_stuf(document)


def test_roles_decide_the_profile() -> None:
    person = Person(family="Voorbeeld", phone="0600000000")
    roles = {
        "voogd": ("gezagsdrager", SubjectRole.ANDER),
        "ouder met gezag": ("gezagsdrager", SubjectRole.OUDER),
        "ouder, gezag niet benoemd": ("andere-persoon", SubjectRole.OUDER),
        "grootouder": ("andere-persoon", SubjectRole.ANDER),
        "melder": ("melder", SubjectRole.ANDER),
        "informant": ("melder", SubjectRole.ANDER),
        "onderwijsgevende": ("professional", None),
    }
    for role, (profile, subject_role) in roles.items():
        document = read_stuf(vto_example(parties=(Party(role=role, person=person),)))
        party = item(document, "b1")
        assert party.profile == profile
        if subject_role is None:
            assert party.about == (0,)
            assert one(document, "b1", "kind") == "betrokken"
        else:
            assert document.subjects[party.about[0]].role is subject_role


def test_all_that_is_known_of_a_reporter_has_the_reporters_category() -> None:
    """A reporter's number and address stand with the name, which never goes further than the Raad and Veilig Thuis."""
    reporter = Person(family="Voorbeeld", bsn=example_bsn(7), birth="19700101", phone="0600000000", gender="V")
    extra = (("onbekend", "woont naast de school"),)
    sent = vto_example(parties=(Party(role="melder", person=replace(reporter, extras=extra)),))
    document = read_stuf(sent)

    assert set(item(document, "b1").elements) == {"name", "relationship", "telecom"}
    assert b"woont naast de school" in write_stuf(document)


def test_a_secret_address_has_a_label_of_its_own() -> None:
    for mark in ("true", "J", "1", "7", "geheel onleesbaar"):
        secret = replace(CHILDREN[0].person, extras=(("indicatieGeheim", mark),))
        document = read_stuf(vto_example(children=(Child(person=secret),)))
        child = item(document, "k1")
        assert "address" not in child.elements
        assert "secretAddress" in child.elements
        assert f">{mark}<".encode() in write_stuf(document)


def test_an_address_that_is_said_not_to_be_secret_is_an_address() -> None:
    open_person = replace(CHILDREN[0].person, extras=(("indicatieGeheim", "0"),))
    document = read_stuf(vto_example(children=(Child(person=open_person),)))

    assert "address" in item(document, "k1").elements
    assert "secretAddress" not in item(document, "k1").elements


def test_that_there_is_a_secret_is_known_without_an_address_too() -> None:
    hidden = replace(CHILDREN[0].person, address=None, extras=(("indicatieGeheim", "true"),))
    document = read_stuf(vto_example(children=(Child(person=hidden),)))

    assert "secretAddress" in item(document, "k1").elements


def test_a_diagnostic_document_is_about_health_and_marked_by_the_format() -> None:
    document = read_stuf(vto_example())
    documents = {known.id: (known.profile, known.necessary) for known in document.items if known.id.startswith("d")}

    assert documents == {
        "d1": ("document", None),
        "d2": ("document-gezondheid", Necessity.FORMAT),
        "d3": ("document", None),
    }


def test_settings_say_what_is_about_health_and_what_is_marked() -> None:
    conventions = Conventions(
        health_documents=frozenset({"Diagnostisch onderzoek", "Hulpverleningsrapportage"}),
        necessary_documents=frozenset({"Diagnostisch onderzoek"}),
    )
    document = read_stuf(vto_example(), conventions=conventions)

    assert [known.profile for known in document.items if known.id.startswith("d")] == [
        "document",
        "document-gezondheid",
        "document-gezondheid",
    ]
    assert [known.necessary for known in document.items if known.id in {"d2", "d3"}] == [Necessity.FORMAT, None]


def test_an_incomplete_birth_date_keeps_what_is_known() -> None:
    for text, incomplete, known in (
        ("20140101", "M", "2014"),
        ("20140301", "D", "2014-03"),
        ("20140302", "V", "2014-03-02"),
    ):
        person = replace(CHILDREN[0].person, birth=text, incomplete=incomplete)
        document = read_stuf(vto_example(children=(Child(person=person),)))
        value = one(document, "k1", "birthDate")
        assert known == (value["value"] if isinstance(value, dict) else value) == document.subjects[0].birth_date


def test_an_unborn_child_has_an_expected_date_and_is_known_by_its_mother() -> None:
    document = read_stuf(vto_scenario(3))
    (subject, _mother) = document.subjects

    assert one(document, "k1", "expectedDate") == "2027-02-14"
    assert (subject.unborn, subject.identifier, subject.birth_date) == (True, None, None)
    assert subject.key == "ongeboren/de voorbeeld m. testmoeder/2027-02-14"


def test_an_unborn_child_without_a_date_is_still_unborn() -> None:
    child = Child(person=Person(family="Voorbeeld"), unborn=True)
    document = read_stuf(vto_example(children=(child,)))

    assert "expectedDate" in item(document, "k1").elements
    assert b"Client (ongeboren kind)" in write_stuf(document)


def test_a_child_without_bsn_is_known_by_its_rni_number_in_both_messages() -> None:
    for sent in (vto_scenario(2), notification_scenario(3)):
        document = read_stuf(sent)
        number = "12345678901234567"
        assert document.subjects[0].identifier == (RNI_SYSTEM, number)
        assert one(document, "k1", "identifier") == {"system": RNI_SYSTEM, "value": number}


def test_a_bsn_goes_before_an_rni_number() -> None:
    person = replace(CHILDREN[0].person, rni="12345678901234567")
    document = read_stuf(vto_example(children=(Child(person=person),)))

    assert document.subjects[0].identifier == (BSN_SYSTEM, example_bsn(100))
    assert len(item(document, "k1").elements["identifier"]) == 2


def test_several_children_in_one_relation_are_several_children() -> None:
    """The schema lets one relation hold 31 children; written back each has a relation of its own."""
    root = etree.fromstring(vto_scenario(7))
    first, second = root.findall(".//{*}heeftBetrekkingOp")[:2]
    source, target = second.find("{*}gerelateerde"), first.find("{*}gerelateerde")
    assert source is not None
    assert target is not None
    target.append(source[0])
    second.getparent().remove(second)  # type: ignore[union-attr]

    document = read_stuf(etree.tostring(root))
    assert [known.id for known in document.items if known.profile == "jeugdige"] == ["k1", "k2", "k3"]
    assert [one(document, f"k{number}", "birthDate") for number in (1, 2, 3)] == [
        "2011-01-15",
        "2012-02-15",
        "2013-03-15",
    ]
    assert write_stuf(document).count(b"<ZKN:heeftBetrekkingOp ") == 3


def test_an_institution_may_have_authority() -> None:
    document = read_stuf(vto_scenario(2))
    party = item(document, "b1")

    assert (party.profile, party.about) == ("gezagsdrager", (0,))
    assert set(party.elements) == {"organisation", "relationship", "informed", "telecom"}


def test_urgency_and_the_requesters_role_are_particulars_of_the_case() -> None:
    extras = (("indicatieUrgent", "true"), ("rolJeugdzorgVerzoeker", "hulpverlener"))
    document = read_stuf(vto_example(request=Request(extras=extras)))

    assert one(document, "verzoek", "priority") == "urgent"
    assert one(document, "verzoek", "requesterRole") == {"text": "hulpverlener"}


def test_an_own_initiative_of_the_raad_is_told_by_its_message_type() -> None:
    for number, expected in ((7, "ambtshalve"), (8, "ambtshalve")):
        value = one(read_stuf(notification_scenario(number)), "status", "trigger")
        assert isinstance(value, dict)
        assert value["value"] == expected
    assert "trigger" not in item(read_stuf(notification_scenario(1)), "status").elements


def test_an_unknown_extra_element_is_text_about_the_family_unless_a_row_says_process() -> None:
    sent = vto_example(request=Request(extras=(("zaakkleur", "blauw"),)))
    row = ExtraName(name="zaakkleur", place=Place.CASE, meaning=Meaning.PROCESS)
    known = Conventions(extras=(*DEFAULT_EXTRAS, row))

    assert "extraText" in item(read_stuf(sent), "verzoek").elements
    assert "extra" in item(read_stuf(sent, conventions=known), "verzoek").elements


def test_another_name_for_a_known_meaning_is_a_matter_of_settings() -> None:
    rows = tuple(
        replace(row, name="isGeinformeerd") if row.meaning is Meaning.INFORMED else row for row in DEFAULT_EXTRAS
    )
    conventions = Conventions(extras=rows)
    sent = vto_example().replace(b"indicatieGeinformeerd", b"isGeinformeerd")
    document = read_stuf(sent, conventions=conventions)

    assert one(document, "b1", "informed") is True
    assert b'naam="isGeinformeerd"' in write_stuf(document, conventions=conventions)


def test_a_missing_telephone_number_is_a_remark_and_no_refusal() -> None:
    silent = replace(PARTIES[0], person=Person(family="Voorbeeld"))
    document = read_stuf(vto_example(parties=(silent,)))

    assert document.remarks == ("gezagsdrager `b1`: geen telefoonnummer (no telephone number)",)


def test_what_fhir_has_no_place_for_rides_with_the_element_it_belongs_to() -> None:
    """A BAG number is part of the address, so it goes where the address goes."""
    sent = vto_example().replace(
        b"<BG:verblijfsadres>", b"<BG:verblijfsadres><BG:aoa.identificatie>0599200000012345</BG:aoa.identificatie>"
    )
    document = read_stuf(sent)
    value = one(document, "k1", "address")

    assert isinstance(value, dict)
    assert "0599200000012345" in repr(value)
    assert "0599200000012345" not in repr({**item(document, "k1").elements, "address": ()})
    assert NATIVE_EXTENSION in repr(value)


def test_the_order_of_elements_in_an_item_does_not_matter() -> None:
    """A message sorts the elements of an item by name."""
    document = read_stuf(vto_scenario(7))
    ordered = tuple(
        replace(known, elements={name: known.elements[name] for name in sorted(known.elements)})
        for known in document.items
    )

    assert write_stuf(document) == write_stuf(replace(document, items=ordered))


def test_the_same_document_gives_the_same_bytes() -> None:
    sent = notification_example(notice=Notice(decisions=(("20261102", "besluit"),)), mother=Person(family="Voorbeeld"))

    assert write_stuf(read_stuf(sent)) == write_stuf(read_stuf(sent))
    assert write_stuf(read_stuf(sent)) == write_stuf(read_stuf(write_stuf(read_stuf(sent))))


def test_an_establishment_without_a_number_has_a_name_alone() -> None:
    party = Party(role="voogd", establishment=Establishment(), informed=True)
    document = read_stuf(vto_example(parties=(party,), attachments=ATTACHMENTS[:1]))

    assert one(document, "b1", "organisation") == {
        "resourceType": "Organization",
        "name": "Voorbeeld Jeugdbescherming",
    }


def test_a_notification_of_which_everything_is_nil_still_says_so() -> None:
    """The schema allows it; there is no value then, but what is nil rides with a status that is absent."""
    root = etree.fromstring(notification_example())
    case = root[1]
    for child in list(case):
        name = str(child.tag).rpartition("}")[2]
        if name in {"isVan", "heeft"}:
            for below in list(child):
                child.remove(below)
            child.text = None
            child.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")
        elif name != "heeftBetrekkingOp":
            case.remove(child)
    sent = etree.tostring(root)
    document = read_stuf(sent)

    assert list(item(document, "status").elements) == ["businessStatus"]
    assert xsd_errors(sent) == []
    assert what_it_says(sent) == what_it_says(write_stuf(document))
