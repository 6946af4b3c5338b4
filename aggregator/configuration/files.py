"""The files of a configuration: the settings, and those that these name."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aggregator.configuration.documents import Document, read_document
from aggregator.configuration.environment import overridden
from aggregator.configuration.pointers import at, join, steps
from aggregator.configuration.problems import Findings
from aggregator.configuration.settings import Settings


class Files:
    """Finds the files that a settings document names, be it valid or not.

    Attributes:
        looked_for: All files so far, the settings first.
        sums: The hex digests of those that could be read.
    """

    def __init__(self, path: Path, settings: Document, findings: Findings) -> None:
        self.looked_for = [path]
        self.sums = {path: settings.sha256}
        self._base = path.parent
        self._settings = settings
        self._findings = findings

    def named(self, key: str) -> Document | None:
        """Return the file that a setting names; None where it names none."""
        name = self._setting(key)
        if not isinstance(name, str | Path):
            return None
        return self._read(self._base / name, f"/{key}")

    def named_at(self, pointer: str) -> Document | None:
        """Return the file that is named within a setting; None where none is."""
        name = at(self._settings.value, pointer)
        return self._read(self._base / name, pointer) if isinstance(name, str) else None

    def ranking(self) -> list[Document]:
        """Return the files of policies, those of a directory in order of names."""
        documents = [
            self._read(path, pointer)
            for name, pointer in self._ranking_names()
            for path in self._expanded(name, pointer)
        ]
        return [document for document in documents if document is not None]

    def _ranking_names(self) -> Iterator[tuple[str | Path, str]]:
        names = self._setting("ranking")
        for index, name in enumerate(names if isinstance(names, list | tuple) else ()):
            if isinstance(name, str | Path):
                yield name, join("/ranking", index)

    def _setting(self, key: str) -> Any:
        """Return what is set, of whatever type, or else the default."""
        value = at(self._settings.value, f"/{key}")
        return Settings.model_fields[key].default if value is None else value

    def _expanded(self, name: str | Path, pointer: str) -> list[Path]:
        path = self._base / name
        # Unlike that of pathlib this is False of what no file could be called.
        if not os.path.isdir(path):  # noqa: PTH112
            return [path]
        files = sorted(path.glob("*.yaml"))
        if not files:
            problem = self._settings.problem(pointer, f"{path} has no *.yaml file")
            self._findings.problems.append(problem)
        return files

    def _read(self, path: Path, pointer: str) -> Document | None:
        self.looked_for.append(path)
        is_said = at(self._settings.value, pointer) is not None
        reason = "" if is_said else f"{steps(pointer)[0]} is not set, and its default "
        named_by = self._settings.problem(pointer, reason)
        document = read_document(path, self._findings, named_by)
        if document is not None:
            self.sums[path] = document.sha256
        return document


def read_settings(
    path: Path, environ: Mapping[str, str], findings: Findings
) -> Document | None:
    """Read the settings file, with what the environment overrides; None if it can't."""
    document = read_document(path, findings)
    return document and overridden(document, environ, findings)
