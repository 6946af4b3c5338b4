"""Dialects: between the documents of one wire vocabulary and the canonical form."""

from dataclasses import dataclass, replace
from typing import Any

from aggregator.wire.dialects.bodies import OFFER_SET, REQUEST, SESSION, UPDATE, Body
from aggregator.wire.dialects.forms import Canonical, Form
from aggregator.wire.dialects.wording import Wording

__all__ = ["Canonical", "Dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One wire vocabulary of the protocol.

    Documents are JSON objects as plain dicts. None of the methods changes its
    argument, and what they return shares with it what hasn't changed. None of them
    raises: what is wrong with a document is for its reader to say.

    Attributes:
        forms: The dialect's usual form, and variants under the same name.
    """

    forms: tuple[Form, ...]

    @property
    def wording(self) -> Wording:
        """The dialect's names and places."""
        return self.forms[0].lexicon.wording

    @property
    def name(self) -> str:
        """The dialect's name, such as ``2026-07``."""
        return self.wording.name

    @property
    def submit_path(self) -> str:
        """Where a request for offers is posted."""
        return self.wording.submit_path

    @property
    def direct_path(self) -> str | None:
        """Where a request for one session at once is posted, None if nowhere."""
        return self.wording.direct_path

    @property
    def discriminator(self) -> str:
        """The key that says what a component is: ``type`` or ``kind``."""
        return self.wording.discriminator

    @property
    def restores_sessions(self) -> bool:
        """Whether its clients read sessions as their site spelt them.

        Clients of later dialects are generated from schemas, and refuse what a site
        misspelt: they read sessions as the dialect has them.
        """
        return self.wording.plain_starts

    def request_to_canonical(self, document: dict[str, Any]) -> Canonical:
        """Return a request of this dialect in the canonical vocabulary."""
        return self._form_of(document).to_canonical(REQUEST, document)

    def request_from_canonical(self, canonical: Canonical) -> dict[str, Any]:
        """Return a canonical request in this dialect."""
        return self._from_canonical(REQUEST, canonical)

    def offer_set_to_canonical(self, document: dict[str, Any]) -> Canonical:
        """Return an offer set of this dialect in the canonical vocabulary."""
        return self._form_of(document).to_canonical(OFFER_SET, document)

    def offer_set_payload(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the same without its residue, which takes longer to find."""
        return self._form_of(document).payload_of(OFFER_SET, document)

    def offer_set_from_canonical(self, canonical: Canonical) -> dict[str, Any]:
        """Return a canonical offer set in this dialect."""
        return self._from_canonical(OFFER_SET, canonical)

    def session_to_canonical(self, document: dict[str, Any]) -> Canonical:
        """Return a session of this dialect in the canonical vocabulary."""
        return self._form_of(document).to_canonical(SESSION, document)

    def session_payload(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the same without its residue, which takes longer to find."""
        return self._form_of(document).payload_of(SESSION, document)

    def session_from_canonical(self, canonical: Canonical) -> dict[str, Any]:
        """Return a canonical session in this dialect."""
        return self._from_canonical(SESSION, canonical)

    def update_to_canonical(self, document: dict[str, Any]) -> Canonical:
        """Return an update of this dialect in the canonical vocabulary."""
        return self.forms[0].to_canonical(UPDATE, document)

    def update_from_canonical(self, canonical: Canonical) -> dict[str, Any]:
        """Return a canonical update in this dialect."""
        return self._from_canonical(UPDATE, canonical)

    def residue_of_request(
        self, document: dict[str, Any], payload: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the residue by which ``payload`` becomes ``document`` again.

        Args:
            document: A request as it was written in this dialect.
            payload: The same as canonical, with what was added to repair it.
        """
        return self._form_of(document).residue_of(REQUEST, document, payload)

    def answering(self, request_residue: dict[str, Any]) -> "Dialect":
        """Return this dialect in the one form in which a request was written."""
        return replace(self, forms=(self._marked_in(request_residue),))

    def _form_of(self, document: dict[str, Any]) -> Form:
        usual, *variants = self.forms
        return next((form for form in variants if form.fits(document)), usual)

    def _marked_in(self, residue: dict[str, Any]) -> Form:
        usual, *variants = self.forms
        marks = {entry["in"] for entry in residue.values()} if variants else set()
        return next((form for form in variants if form.mark in marks), usual)

    def _from_canonical(self, body: Body, canonical: Canonical) -> dict[str, Any]:
        return self._marked_in(canonical.residue).from_canonical(body, canonical)
