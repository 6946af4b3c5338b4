"""The dialects of the protocol: one module each, which holds its ``WORDING``.

A module ``dialect_<year>_<month>`` is a dialect by being there; the order of their
names is that of their age. What it needs beside its table is golden files, in
``tests/data/dialects``: ``docs/architecture.md`` says how to add one.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, Final

from aggregator.wire.dialects.base import Canonical, Dialect
from aggregator.wire.dialects.bodies import Lexicon
from aggregator.wire.dialects.detection import Detector
from aggregator.wire.dialects.forms import Form
from aggregator.wire.dialects.wording import Wording

__all__ = [
    "CANONICAL",
    "CANONICAL_KINDS",
    "DIALECTS",
    "KNOWN_KINDS",
    "NEWEST",
    "Canonical",
    "Dialect",
    "detect_dialect",
]


def _wordings() -> Iterator[Wording]:
    for module in iter_modules(__path__):
        if module.name.startswith("dialect_"):
            wording: Wording = import_module(f"{__name__}.{module.name}").WORDING
            yield wording


def _known_kinds(wordings: list[Wording], canonical: Wording) -> dict[str, str]:
    known: dict[str, str] = {}
    for wording in wordings:
        for form in (wording, *wording.variants):
            for name, uri in form.kinds.items():
                ours = canonical.kinds.get(name, uri)
                known[uri] = ours
                known[uri.removesuffix("-1.0").removesuffix(".yaml")] = ours
    return known


def _forms(
    wording: Wording, canonical: Wording, known: Mapping[str, str]
) -> list[Form]:
    forms = []
    for number, form in enumerate((wording, *wording.variants)):
        own = {canonical.kinds.get(n, uri): uri for n, uri in form.kinds.items()}
        lexicon = Lexicon(
            wording=form,
            canonical_kinds=known,
            own_kinds={there: here for there, here in own.items() if there != here},
            default_compute=canonical.kinds["compute/simple-compute-resource"],
            is_canonical=form is canonical,
        )
        mark = f"{wording.name} variant {number}" if number else wording.name
        forms.append(Form(mark, lexicon, is_variant=number > 0))
    return forms


CANONICAL: Final = "2026-07"
"""The name of the dialect whose vocabulary is the canonical one.

What is stored is in it, so that it stays the same when newer dialects are added.
"""

_WORDINGS: Final = sorted(_wordings(), key=lambda wording: wording.name)
_CANONICAL: Final = next(each for each in _WORDINGS if each.name == CANONICAL)
_DETECTOR: Final = Detector(_WORDINGS)

KNOWN_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    _known_kinds(_WORDINGS, _CANONICAL)
)
"""The canonical URI of each kind's URI in any dialect."""

CANONICAL_KINDS: Final[Mapping[str, str]] = MappingProxyType(dict(_CANONICAL.kinds))
"""The canonical URI of each kind, by its name such as ``data/skao-data-resource``."""

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        wording.name: Dialect(tuple(_forms(wording, _CANONICAL, KNOWN_KINDS)))
        for wording in _WORDINGS
    }
)
"""Every dialect by its name, the oldest first."""

NEWEST: Final = _WORDINGS[-1].name
"""The name of the newest dialect."""


def detect_dialect(
    document: Mapping[str, Any], default: str, *, preferred: str | None = None
) -> Dialect:
    """Return the dialect of a request, update, offer set or session.

    Where several fit it is the newest of them.

    Args:
        document: The message.
        default: The name of the dialect where there is nothing to tell by.
        preferred: The name of the dialect that it is in if that fits.
    """
    return DIALECTS[_DETECTOR.detect(document, preferred) or default]
