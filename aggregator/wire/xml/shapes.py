"""Shapes: what a schema says of an object's members, and how XML spells them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeAlias

# The last word of a URI, without a version or file suffix.
_KIND_STEM = re.compile(r"([A-Za-z0-9-]+?)(?:-[0-9]+\.[0-9]+)?(?:\.ya?ml)?$")


class Scalar(Enum):
    """What a text stands for; a number's text tells whether it is an integer."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    TEXT_MAP = auto()


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object.

    Attributes:
        name: Its key in JSON.
        shape: What it holds, or what each of its items does.
        element: The name of its element, or of each item's, or of its attribute.
        is_list: Whether its value is a list of such.
        is_attribute: Whether it is an attribute instead of an element.
        is_wrapped: Whether the items stand in an element of the member's name.
    """

    name: str
    shape: "Shape"
    element: str
    is_list: bool = False
    is_attribute: bool = False
    is_wrapped: bool = False


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """An object: its members, and the further ones that its kind gives it.

    Attributes:
        variants: Further members by the last word of ``kind``.
    """

    members: Mapping[str, Member]
    variants: Mapping[str, Mapping[str, Member]] = field(default_factory=dict)

    def members_of(self, kind: Any) -> Mapping[str, Member]:
        """Return the members that an object of a kind may have, by name.

        An object of no kind, or of one that the schema doesn't know, may have the
        members of all variants.
        """
        if not self.variants:
            return self.members
        stem = _KIND_STEM.search(kind) if isinstance(kind, str) else None
        if stem is not None and stem[1] in self.variants:
            return {**self.members, **self.variants[stem[1]]}
        merged: dict[str, Member] = {}
        for variant in self.variants.values():
            merged = {**variant, **merged}
        return {**merged, **self.members}


Shape: TypeAlias = Scalar | ObjectShape


def members(*groups: Member | Iterator[Member]) -> dict[str, Member]:
    """Return members by name."""
    found: dict[str, Member] = {}
    for group in groups:
        for member in (group,) if isinstance(group, Member) else group:
            found[member.name] = member
    return found


def one(name: str, shape: Shape) -> Member:
    """Return a member that is an element of its own name."""
    return Member(name, shape, name)


def many(
    name: str, shape: Shape, item: str | None = None, *, wrapped: bool = False
) -> Member:
    """Return a member that is a list, with the name of its items' elements."""
    return Member(name, shape, item or name, is_list=True, is_wrapped=wrapped)


def attribute(name: str) -> Member:
    """Return a member that is an attribute."""
    return Member(name, Scalar.TEXT, name, is_attribute=True)


def texts(*names: str) -> Iterator[Member]:
    """Yield members that are text."""
    return (one(name, Scalar.TEXT) for name in names)


def numbers(*names: str) -> Iterator[Member]:
    """Yield members that are numbers."""
    return (one(name, Scalar.NUMBER) for name in names)
