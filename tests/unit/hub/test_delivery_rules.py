"""Where a notification may go, and what an event holds."""

import ipaddress
import json

import pytest

from hub.worker.delivery import DeliveryRules, check_url, is_public
from hub.worker.events import EventKind, event_source, make_event, make_notice_event
from hub.worker.tasks import wait_seconds
from schemas.errors import DocumentError
from schemas.identifiers import OIN, MessageId

RULES = DeliveryRules(timeout_seconds=1)
LOCAL = DeliveryRules(timeout_seconds=1, unsafe_anywhere=True)
MESSAGE = MessageId("01940000-0000-7000-8000-000000000001")


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 - refused, not listened on
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:db8::1",
    ],
)
def test_every_other_address_is_not_in_any_spelling(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("url", ["https://example.nl/in", "https://example.nl:8443/in?x=1", "https://8.8.8.8/in"])
def test_a_url_by_https_may_be_tried(url: str) -> None:
    check_url(url, rules=RULES)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.nl/in",
        "ftp://example.nl/in",
        "https:///in",
        "https://user@example.nl/in",
        "https://user:word@example.nl/in",
        "https://example.nl/in#part",
        "https://127.0.0.1/in",
        "https://[::1]/in",
        "https://example.nl/" + "a" * 2048,
        "",
    ],
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(DocumentError) as raised:
        check_url(url, rules=RULES)
    assert raised.value.code == "sender.notification-url"


def test_the_local_stack_may_name_the_machine_itself() -> None:
    check_url("http://127.0.0.1:8000/in", rules=LOCAL)


def test_an_event_has_the_required_attributes_and_no_content() -> None:
    source = event_source(hub="hub.ketenhub.test", operator=OIN("00000099000000005000"))
    event = json.loads(
        make_event(
            EventKind.MESSAGE_WAITS,
            message_id=MESSAGE,
            source=source,
            recorded_at=1_795_432_568,
            api="https://hub.ketenhub.test",
        )
    )
    assert event == {
        "specversion": "1.0",
        "type": "nl.ketenhub.messages.waiting.v1",
        "source": "urn:nld:oin:00000099000000005000:systeem:hub.ketenhub.test",
        "id": MESSAGE.value,
        "time": "2026-11-23T11:16:08Z",
        "dataref": "https://hub.ketenhub.test/v1/inbox",
    }


def test_the_event_of_a_notice_says_only_where_it_is() -> None:
    event = json.loads(
        make_notice_event(
            7,
            source=event_source(hub="hub.ketenhub.test", operator=None),
            recorded_at=0,
            api="https://hub.ketenhub.test",
        )
    )
    assert event == {
        "specversion": "1.0",
        "type": "nl.ketenhub.notices.waiting.v1",
        "source": "https://hub.ketenhub.test/",
        "id": "notice.7",
        "time": "1970-01-01T00:00:00Z",
        "dataref": "https://hub.ketenhub.test/v1/notices",
    }


def test_a_daily_event_has_an_id_for_each_day() -> None:
    events = [
        json.loads(
            make_event(
                EventKind.MESSAGE_UNCOLLECTED,
                message_id=MESSAGE,
                source=event_source(hub="hub.ketenhub.test", operator=None),
                recorded_at=0,
                api="https://hub.ketenhub.test",
                day=day,
            )
        )
        for day in (1, 2, 2)
    ]
    assert [event["id"] for event in events] == [f"{MESSAGE.value}.1", f"{MESSAGE.value}.2", f"{MESSAGE.value}.2"]
    assert events[0]["source"] == "https://hub.ketenhub.test/"


def test_attempts_come_ever_later_but_not_without_end() -> None:
    assert [wait_seconds(attempt) for attempt in range(1, 8)] == [10, 20, 40, 80, 160, 300, 300]
