"""Principals: on whose behalf something is done."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, as ``(issuer, subject)`` of a token; both empty is anonymous."""

    issuer: str = ""
    subject: str = ""
    groups: frozenset[str] = frozenset()

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is named."""
        return not self.subject

    def owns(self, issuer: str, subject: str) -> bool:
        """Whether what belongs to ``(issuer, subject)`` belongs to this principal."""
        return (self.issuer, self.subject) == (issuer, subject)


ANONYMOUS: Final = Principal()
