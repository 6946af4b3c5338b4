"""The page that describes the API needs nothing but itself, and runs nothing."""

import hashlib
from base64 import b64encode
from html.parser import HTMLParser

import pytest

from aggregator.http.openapi import api_document
from aggregator.http.pages.rendering import prose
from aggregator.http.pages.shapes import words_of
from site_adapters.simulated import SimulatedSite
from tests.support.running import running_federation

DOCUMENT = api_document("https://broker.example", "1.2.3")
VOID = {"meta", "br", "link", "img", "input", "wbr"}


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.text, self.attributes = [], [], [], "", []
        self.styles, self._open = [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attrs:
            self.attributes.append(name)
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "style":
            self.styles.append(data)
        else:
            self.text += data


@pytest.fixture
async def served(tmp_path):
    async with running_federation(tmp_path, SimulatedSite(name="site")) as federation:
        response = await federation.get("/docs")
        assert response.content_type == "text/html"
        yield federation.url, response.headers, Outline(await response.text())


async def test_a_browser_may_apply_its_style_and_nothing_else(served):
    _, headers, page = served
    (style,) = page.styles
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(
        part.strip().split(" ", 1)
        for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_it_loads_and_runs_nothing(served):
    url, _, page = served
    assert not {"script", "link", "img", "iframe", "form", "object"} & set(page.tags)
    assert not {"style", "src", "onclick", "http-equiv"} & set(page.attributes)
    elsewhere = {link for link in page.links if not link.startswith("#")}
    assert elsewhere == {f"{url}/openapi.json", f"{url}/openapi.yaml"}


async def test_every_link_within_it_leads_somewhere(served):
    _, _, page = served
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


async def test_it_shows_every_operation_and_every_schema(served):
    _, _, page = served
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            assert operation["operationId"] in page.ids
            assert f"{method.upper()} {path}" in page.text
            assert operation["summary"] in page.text
    for name in DOCUMENT["components"]["schemas"]:
        assert f"schema-{name}" in page.ids


def test_text_is_never_markup():
    assert prose("a <b> & `c <d>`\n\ne") == (
        "<p>a &lt;b&gt; &amp; <code>c &lt;d&gt;</code></p>\n<p>e</p>"
    )


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "uuid"}, "uuid"),
        ({"type": ["integer", "null"]}, "whole number or null"),
        ({"type": "array", "items": {"$ref": "#/x/Y"}}, "list of Y"),
        ({"type": ["array", "null"], "items": {}}, "list of anything or null"),
        ({"enum": ["a", None]}, "one of a, null"),
        ({"const": "UP", "type": "string"}, "UP"),
        ({"anyOf": [{"$ref": "#/x/Y"}, {"type": "null"}]}, "Y or null"),
        ({"allOf": [{"$ref": "#/x/Y"}]}, "Y"),
        (
            {"type": "object", "additionalProperties": {"type": "number"}},
            "mapping from names to number",
        ),
    ],
)
def test_schemas_are_said_in_words(schema, words):
    assert "".join(word.text for word in words_of(schema)) == words
