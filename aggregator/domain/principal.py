"""Principals: on whose behalf something is done."""

from dataclasses import dataclass
from typing import Final

_OPERATORS: Final = "operators"


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, as ``(issuer, subject)`` of a token; both empty is anonymous.

    Attributes:
        groups: That the token names, each with a leading slash.
        home_site: The site that the token names as the user's home; empty where none.
        is_operator: Whether it is one of those who operate the service.
    """

    issuer: str = ""
    subject: str = ""
    groups: frozenset[str] = frozenset()
    home_site: str = ""
    is_operator: bool = False

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is named."""
        return not self.subject

    def owns(self, issuer: str, subject: str) -> bool:
        """Whether what belongs to ``(issuer, subject)`` belongs to this principal."""
        if (issuer, subject) == (OPERATORS.issuer, OPERATORS.subject):
            return self.is_operator
        return (self.issuer, self.subject) == (issuer, subject)


ANONYMOUS: Final = Principal()

OPERATORS: Final = Principal(_OPERATORS, is_operator=True)
"""Who owns what nobody is known to own: all operators together.

No token names it, for an issuer is a URL and a subject is never empty.
"""
