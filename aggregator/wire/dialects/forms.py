"""Forms of a dialect: most have one, one has two under the same name."""

from dataclasses import dataclass, field
from typing import Any

from aggregator.wire.dialects.bodies import Body, Lexicon
from aggregator.wire.dialects.components import Node
from aggregator.wire.dialects.spelling import (
    StaleSpellingError,
    respelled,
    spelling,
)


@dataclass(frozen=True, slots=True)
class Canonical:
    """A document in the canonical vocabulary.

    Attributes:
        payload: The document, every key kept that the canonical one doesn't know.
        residue: How it was written where its dialect would write otherwise, by JSON
            pointer; for the same dialect only, and for nobody else to read.
    """

    payload: dict[str, Any]
    residue: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """One form of one dialect.

    Attributes:
        mark: What its residues are marked with: the dialect's name, and the variant's
            where it isn't the usual form.
        is_variant: Whether it isn't the dialect's usual form.
    """

    mark: str
    lexicon: Lexicon
    is_variant: bool = False

    def fits(self, document: Node) -> bool:
        """Whether a request or session shows the nesting of this variant."""
        keys = {"storage", "volumes", "data", self.lexicon.wording.compute_key}
        return "resources" not in document and bool(keys & document.keys())

    def residue_of(self, body: Body, document: Node, payload: Node) -> dict[str, Any]:
        """Return the residue by which ``payload`` becomes ``document`` again."""
        return self._residue(body, document, body.lifted(payload))

    def _residue(self, body: Body, document: Node, lifted: Node) -> dict[str, Any]:
        worded = self._worded(body, lifted)
        residue = {} if worded is document else spelling(worded, document, self.mark)
        if self.is_variant and not residue:
            return {"": {"was": {}, "is": {}, "in": self.mark}}
        return residue

    def payload_of(self, body: Body, document: Node) -> Node:
        """Return a body written in this form in the canonical vocabulary."""
        payload = body.canonical(document, self.lexicon)
        return body.lifted(payload) if self.lexicon.wording.meta_on_top else payload

    def to_canonical(self, body: Body, document: Node) -> Canonical:
        """Return the same with the residue by which it becomes ``document`` again."""
        payload = body.canonical(document, self.lexicon)
        lifted = body.lifted(payload)
        if self.lexicon.wording.meta_on_top:
            payload = lifted
        return Canonical(payload, self._residue(body, document, lifted))

    def from_canonical(self, body: Body, canonical: Canonical) -> Node:
        """Return a canonical body in this form."""
        residue = {
            pointer: entry
            for pointer, entry in canonical.residue.items()
            if entry["in"] == self.mark
        }
        if residue:
            worded = self._worded(body, body.lifted(canonical.payload))
            try:
                return respelled(worded, residue)
            except StaleSpellingError:
                pass
        return self._worded(body, canonical.payload)

    def _worded(self, body: Body, payload: Node) -> Node:
        if self.lexicon.is_canonical:
            return payload
        return body.worded(payload, self.lexicon)
