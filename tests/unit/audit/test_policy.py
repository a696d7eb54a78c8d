"""Trust policies: what they say, what they accept."""

from hashlib import sha256

import pytest

from audit.note import Note, NoteKeyType, NoteSigner, sign_note
from audit.policy import Policy, parse_policy, policy_text
from schemas.canonical import canonical_json
from schemas.codes import SignatureAlgorithm
from schemas.errors import DocumentError, SignatureError
from schemas.jwk import SigningKey
from schemas.randomness import UnsafeSeededRandomness
from tests.support.log_files import SIGNER, MemoryLog, participant

REGISTRAR = SigningKey.generate(randomness=UnsafeSeededRandomness("registrar"))
REGISTRAR_JWK = canonical_json(REGISTRAR.public.to_jwk()).decode()
LOG = SIGNER.public.vkey


def witness(number: int) -> NoteSigner:
    return NoteSigner.from_seed(
        name=f"witness{number}.test",
        seed=sha256(b"witness %d" % number).digest(),
        type=NoteKeyType.COSIGNATURE_V1,
    )


WITNESSES = [witness(number) for number in range(6)]
VKEYS = [signer.public.vkey for signer in WITNESSES]


def note_with(*cosigners: int) -> Note:
    log = MemoryLog()
    log.append(participant(1))
    note = log.note()
    cosignatures = [WITNESSES[number].sign(note.text, at=1_795_432_568) for number in cosigners]
    return Note(text=note.text, signatures=(*note.signatures, *cosignatures))


TWO_LEVELS = f"""# Six witnesses of two organisations.
log {LOG} https://hub.ketenhub.test/log

witness X1 {VKEYS[0]}
witness X2 {VKEYS[1]} https://witness1.test/
\twitness X3\t{VKEYS[2]}
group X 2 X1 X2 X3
witness Y1 {VKEYS[3]}
witness Y2 {VKEYS[4]}
witness Y3 {VKEYS[5]}
group Y any Y1 Y2 Y3
group both all X Y
quorum both
registrar {REGISTRAR_JWK}
"""


def test_a_policy_names_logs_witnesses_quorum_and_registrars() -> None:
    policy = parse_policy(TWO_LEVELS.encode())
    assert policy.logs == (SIGNER.public,)
    assert policy.witnesses == tuple(signer.public for signer in WITNESSES)
    assert set(policy.registrars) == {REGISTRAR.public.thumbprint}
    assert policy.anchored


@pytest.mark.parametrize("cosigners", [(0, 1, 3), (1, 2, 5), (0, 1, 2, 3, 4, 5)])
def test_a_quorum_that_is_reached_accepts(cosigners: tuple[int, ...]) -> None:
    verified = parse_policy(TWO_LEVELS.encode()).verify(note_with(*cosigners))
    assert verified.log == SIGNER.public
    assert [item.key for item in verified.cosignatures] == [WITNESSES[n].public for n in cosigners]
    assert verified.checkpoint.size == 1


@pytest.mark.parametrize("cosigners", [(), (0, 1), (0, 3), (3, 4, 5)])
def test_a_quorum_that_is_missed_refuses(cosigners: tuple[int, ...]) -> None:
    with pytest.raises(SignatureError, match="too few witnesses"):
        parse_policy(TWO_LEVELS.encode()).verify(note_with(*cosigners))


def test_one_witness_can_be_the_quorum() -> None:
    policy = parse_policy(f"log {LOG}\nwitness W {VKEYS[0]}\nquorum W".encode())
    assert policy.verify(note_with(0)).cosignatures[0].cosigned_at == 1_795_432_568
    with pytest.raises(SignatureError, match="too few witnesses"):
        policy.verify(note_with(1))


def test_a_pinned_policy_comes_back_from_its_text() -> None:
    text = policy_text(logs=(SIGNER.public,), registrars=(REGISTRAR.public,))
    policy = parse_policy(text.encode())
    assert policy.logs == (SIGNER.public,)
    assert list(policy.registrars.values()) == [REGISTRAR.public]
    assert policy.verify(note_with()).cosignatures == ()


def test_the_key_that_came_along_makes_no_anchor() -> None:
    policy = Policy.unanchored(SIGNER.public)
    assert not policy.anchored
    assert policy.verify(note_with()).log == SIGNER.public


def test_a_log_that_the_policy_does_not_name_is_refused() -> None:
    other = NoteSigner.from_seed(name="other.test/log/1", seed=bytes(32))
    policy = Policy(logs=(other.public,))
    with pytest.raises(SignatureError, match="no log of the policy"):
        policy.verify(note_with())


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    policy = parse_policy(f"log {LOG}\nwitness W {VKEYS[0]}\nquorum none".encode())
    note = note_with(0)
    with pytest.raises(SignatureError, match="did not sign"):
        policy.verify(Note(text=note.text, signatures=note.signatures[1:]))


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    policy = Policy(logs=(SIGNER.public,))
    with pytest.raises(DocumentError):
        policy.verify(sign_note("hello\n", [SIGNER]))


ES256 = canonical_json(
    SigningKey.generate(SignatureAlgorithm.ES256, randomness=UnsafeSeededRandomness("es")).public.to_jwk()
).decode()


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ("", "exactly one line `quorum`"),
        ("quorum none\nquorum none", "exactly one line `quorum`"),
        ("quorum W", "line 1: a name that no line before"),
        (f"quorum W\nwitness W {VKEYS[0]}", "line 1: a name that no line before"),
        ("quorum none\nlog", "line 2: the wrong number of words"),
        (f"quorum none\nlog {LOG} url more", "line 2: the wrong number of words"),
        ("quorum none\nfrom here", "line 2: not one of"),
        ("quorum none\nlog nonsense", "line 2: a vkey is"),
        (f"quorum none\nlog {VKEYS[0]}", "line 2: the key is not of type 0x01"),
        (f"quorum none\nwitness W {LOG}", "line 2: the key is not of type 0x04"),
        (f"quorum none\nlog {LOG}\nlog {LOG}", "line 3: the same public key"),
        (f"quorum none\nwitness W {VKEYS[0]}\nwitness W {VKEYS[1]}", "line 3: the name is taken"),
        (f"quorum none\nwitness none {VKEYS[0]}", "line 2: the name is taken"),
        (f"witness W {VKEYS[0]}\ngroup G 2 W\nquorum G", "line 2: a threshold is"),
        (f"witness W {VKEYS[0]}\ngroup G 0 W\nquorum none", "line 2: a threshold is"),
        (f"witness W {VKEYS[0]}\ngroup G most W\nquorum none", "line 2: a threshold is"),
        (f"witness W {VKEYS[0]}\ngroup G all W W\nquorum none", "line 2: a name stands in a group already"),
        (f"witness W {VKEYS[0]}\ngroup G all W\ngroup H all W\nquorum none", "line 3: a name stands in a group"),
        ("group G all none\nquorum none", "line 1: a name that no line before"),
        ("quorum none\nregistrar []", "line 2: a registrar's key is a JWK"),
        ("quorum none\nregistrar {", "line 2: not JSON"),
        ("quorum none\nregistrar {}", "line 2: not a key"),
        (f"quorum none\nregistrar {ES256}", "line 2: a registrar's key is an Ed25519 key"),
        (f"quorum none\nregistrar {REGISTRAR_JWK}\nregistrar {REGISTRAR_JWK}", "line 3: a registrar's key"),
        ("quorum none\r", "a control character"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(lines: str, finding: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_policy(lines.encode())
    assert any(issue.text.startswith(finding) for issue in caught.value.issues)


def test_a_policy_that_is_too_large_is_refused() -> None:
    with pytest.raises(DocumentError, match="at most"):
        parse_policy(b"#" * 70_000)


def test_names_are_opaque_octets() -> None:
    policy = parse_policy(b"witness \xff " + VKEYS[0].encode() + b"\nquorum \xff\nlog " + LOG.encode())
    assert policy.quorum == WITNESSES[0].public
