"""Configuration files as documents: read within bounds, with the place of each part."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from aggregator.configuration.pointers import join
from aggregator.configuration.problems import Findings, Problem
from aggregator.strict_yaml import Located, YamlFault, load_located

LARGEST_FILE: Final = 8 * 2**20
"""In bytes; a larger file is refused before it is parsed."""


@dataclass(frozen=True)
class Document:
    """A file that was read.

    Attributes:
        name: How the file is named in problems.
        sha256: The hex digest of the file's bytes.
        value: The document as plain data.
        overrides: Environment variables that took the place of values, by pointer.
    """

    name: str
    sha256: str
    value: Any = field(repr=False)
    located: Located = field(repr=False)
    text: bytes = field(repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict)

    def with_overrides(self, value: Any, overrides: Mapping[str, str]) -> "Document":
        """Return the document with values from the environment."""
        return replace(self, value=value, overrides=overrides)

    def problem(self, pointer: str, reason: str) -> Problem:
        """Return a problem at the value that ``pointer`` leads to."""
        for place, variable in self.overrides.items():
            if pointer == place or pointer.startswith(f"{place}/"):
                return Problem(variable, None, None, pointer, reason)
        line, column = self.located.position(pointer)
        return Problem(self.name, line, column, pointer, reason)

    def key_problem(self, pointer: str, reason: str) -> Problem:
        """Return a problem at the key whose value ``pointer`` leads to."""
        if pointer not in self._key_places:
            return self.problem(pointer, reason)
        line, column = self._key_places[pointer]
        return Problem(self.name, line, column, pointer, reason)

    @cached_property
    def _key_places(self) -> Mapping[str, tuple[int, int]]:
        root = yaml.compose(self.text, Loader=yaml.CSafeLoader)
        return {
            pointer: (mark.line + 1, mark.column + 1) for pointer, mark in _keys(root)
        }


def _keys(node: yaml.Node | None, base: str = "") -> Iterator[tuple[str, yaml.Mark]]:
    """Give the pointer and place of each key; the depth was bounded in reading."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            pointer = join(base, key.value)
            yield pointer, key.start_mark
            yield from _keys(value, pointer)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _keys(value, join(base, index))


def read_document(
    path: Path, findings: Findings, named_by: Problem | None = None
) -> Document | None:
    """Read a YAML file.

    Args:
        path: The file.
        findings: Take what is wrong with it.
        named_by: The place that names the file, with how to begin a complaint; it is
            blamed where there is no such file.

    Returns:
        None where it can't be read or is not the YAML that we read.
    """
    try:
        text = _read_bounded(path)
    except (OSError, ValueError) as error:
        findings.problems.append(_unreadable(path, error, named_by))
        return None
    return parse_document(text, str(path), findings)


def parse_document(text: bytes, name: str, findings: Findings) -> Document | None:
    """Return the document that ``text`` holds, None where it isn't YAML that we read.

    Args:
        text: YAML, or JSON.
        name: How the document is named in problems.
        findings: Take what is wrong with it.
    """
    try:
        located = load_located(text, name)
    except YamlFault as fault:
        problem = Problem(name, fault.line, fault.column, "", fault.reason)
        findings.problems.append(problem)
        return None
    digest = hashlib.sha256(text).hexdigest()
    return Document(name, digest, located.value, located, text)


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        text = file.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        raise ValueError(f"is larger than {LARGEST_FILE} bytes")
    return text


def _unreadable(
    path: Path, error: OSError | ValueError, named_by: Problem | None
) -> Problem:
    if isinstance(error, OSError) and error.errno is not None:
        words = os.strerror(error.errno).lower()
    else:
        words = str(error)
    if named_by is None:
        return Problem(str(path), None, None, "", f"can't be read: {words}")
    reason = f"{named_by.reason}{path} can't be read: {words}"
    return Problem(
        named_by.file, named_by.line, named_by.column, named_by.pointer, reason
    )
