"""Which message may hold what: profiles, message types and code lists, as data.

>>> definitions = load_definitions()
>>> definitions.category("jeugdige", "secretAddress")
<Category.ADRES_GEHEIM: 'adres-geheim'>
>>> definitions.message_type("notificatie-onderzoek").permits("jeugdige", "address")
False
"""

from schemas.definitions.loader import Definitions, load_definitions, read_definitions
from schemas.definitions.model import (
    Code,
    CodeList,
    ContentRule,
    ElementDefinition,
    GroupMember,
    GroupRule,
    MessageType,
    Need,
    Part,
    Profile,
    ReplyRule,
    ReplyValue,
    ValueType,
    When,
)
from schemas.definitions.publish import json_schemas

__all__ = [
    "Code",
    "CodeList",
    "ContentRule",
    "Definitions",
    "ElementDefinition",
    "GroupMember",
    "GroupRule",
    "MessageType",
    "Need",
    "Part",
    "Profile",
    "ReplyRule",
    "ReplyValue",
    "ValueType",
    "When",
    "json_schemas",
    "load_definitions",
    "read_definitions",
]
