"""Rendering: templates and their one style sheet into pages that stand alone."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aggregator import strict_yaml

_PARAGRAPHS: Final = re.compile(r"\n\s*\n")


def prose(text: str) -> Markup:
    """Return plain text as HTML: paragraphs, and code between backticks."""
    paragraphs = _PARAGRAPHS.split(text.strip())
    return Markup("\n").join(
        Markup("<p>{}</p>").format(_inline(paragraph)) for paragraph in paragraphs
    )


def _inline(text: str) -> Markup:
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part
        for index, part in enumerate(parts)
    )


def as_yaml(value: Any) -> str:
    """Return a value as YAML, to be read by people."""
    return strict_yaml.dump(value).decode()


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader(__package__),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"prose": prose, "yaml": as_yaml}


def page(template: str, **values: Any) -> str:
    """Return a template as HTML, with the style sheet in it.

    Args:
        template: The template's name.
        **values: What it shows.
    """
    return _ENVIRONMENT.get_template(template).render(values)


def _style_hash() -> str:
    style = _ENVIRONMENT.get_template("page.css").render()
    return b64encode(sha256(style.encode()).digest()).decode()


CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_style_hash()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do with a page: apply our style sheet, and nothing else."""
