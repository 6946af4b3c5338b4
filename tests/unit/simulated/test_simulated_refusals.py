import base64
import io
import json

import pytest
import yaml

from tests.support.simulated_dialogue import (
    DIALECTS,
    META_DIALECTS,
    REFERENCE_REQUEST,
    Dialogue,
)


def corrected_for_2025_11(request):
    """Correct the reference request by hand, as a site of 2025-11 wants it."""
    request["executable"]["image"]["digest"] = request["executable"].pop("digest")
    resources = request["compute"].pop("resources")
    volumes = request["compute"].pop("volumes")
    volumes[0] |= {"resources": resources, "cardinality": "CONTAINER"}
    request["compute"]["volumes"] = [volumes[0]["name"]]
    return request | {"volumes": volumes}


def corrected_for_2026_07(request):
    says = Dialogue("2026-07")
    names = request["compute"]["resources"]
    return {
        "executable": says.docker(
            image=request["executable"]["image"] | {"digest": "0000"}
        ),
        "schedule": request["schedule"],
        "compute": says.element(
            "compute",
            volumes=[
                says.element(
                    "volume", path=f"/inputs/{name}", mode="READONLY", resource=name
                )
                for name in names
            ],
        ),
        "data": [
            says.element("skao", one["name"], skao=one["skao"])
            for one in request["data"]
        ],
    }


@pytest.mark.parametrize("dialect", ["2025-11", "2026-07"])
@pytest.mark.parametrize("content_type", ["application/yaml", "application/json"])
async def test_the_reference_request_verbatim_is_a_no_or_a_400(
    simulate, dialect, content_type
):
    client = await simulate(dialect)
    body = REFERENCE_REQUEST
    if content_type == "application/json":
        body = json.dumps(yaml.safe_load(body))

    async with client.http.post(
        client.running.url + client.says.path,
        data=body,
        headers={"Content-Type": content_type},
        allow_redirects=False,
    ) as answer:
        document = await answer.json(content_type=None) if answer.status == 303 else {}

    assert answer.status == 400 or document["result"] == "NO"
    assert not client.running.sessions


async def test_the_reference_request_with_volumes_alone_put_right_lacks_the_digest(
    simulate,
):
    client = await simulate("2025-11")
    request = corrected_for_2025_11(yaml.safe_load(REFERENCE_REQUEST))
    request["executable"]["digest"] = request["executable"]["image"].pop("digest")

    document = await client.submit(request)

    assert document["result"] == "NO"
    assert client.says.messages(document) == [("ERROR", "urn:missing-value")]


@pytest.mark.parametrize(
    ("dialect", "correct"),
    [("2025-11", corrected_for_2025_11), ("2026-07", corrected_for_2026_07)],
)
async def test_the_reference_request_corrected_gets_offers(simulate, dialect, correct):
    client = await simulate(dialect)

    document = await client.submit(correct(yaml.safe_load(REFERENCE_REQUEST)))

    assert document["result"] == "YES"
    names = [client.says.about(one)["name"] for one in document["offers"][0]["data"]]
    assert names == ["example-data-01", "example-data-02"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nothing_at_all_is_a_no_in_the_dialect_s_own_layout(simulate, dialect):
    client = await simulate(dialect)

    document = await client.submit({})

    assert document[client.says.key] == client.says.uris["offerset"]
    assert ("meta" in document) == client.says.has_meta
    assert document["result"] == "NO"
    assert client.says.messages(document) == [("ERROR", "urn:executable-required")]


def docker(says, **image):
    whole = {"locations": ["registry.example/tool:1"], "digest": "sha256:00"}
    return says.docker(image=whole | image)


def with_port(says, **port):
    return says.docker(network={"ports": [{"internal": {"port": 80}} | port]})


EXECUTABLES = {
    "no image": (lambda says: says.docker(image=None), "urn:missing-value"),
    "no digest": (lambda says: docker(says, digest=None), "urn:missing-value"),
    "no location": (
        lambda says: docker(says, locations=[]),
        "urn:missig-required-value",
    ),
    "arm64": (
        lambda says: docker(says, platform={"architecture": "arm64"}),
        "urn:invalied-value",
    ),
    "windows": (
        lambda says: docker(says, platform={"os": "windows"}),
        "urn:invalied-value",
    ),
    "privileged": (lambda says: says.docker(privileged=True), "urn:not-supported"),
    "external port": (
        lambda says: with_port(says, external={"port": 1}),
        "urn:not-supported",
    ),
    "protocol": (lambda says: with_port(says, protocol="SMTP"), "urn:invalid-value"),
    "port 0": (lambda says: with_port(says, internal={"port": 0}), "urn:invalid-value"),
    "notebook nowhere": (
        lambda says: says.element("jupyter"),
        "uri:missing-required-value",
    ),
    "singularity": (
        lambda says: says.element(
            says.uris["docker"].replace("docker-container", "singularity-container"),
            location="https://images.example/x.sif",
        ),
        "uri:unknown-type",
    ),
}


@pytest.mark.parametrize("case", EXECUTABLES)
@pytest.mark.parametrize("dialect", ["2025-05", "2025-11", "2026-07"])
async def test_executables_that_the_platform_won_t_run_are_a_no(
    simulate, dialect, case
):
    client = await simulate(dialect)
    executable, kind = EXECUTABLES[case]

    request = client.says.request(executable=executable(client.says))
    document = await client.submit(request)

    assert document["result"] == "NO"
    assert client.says.messages(document) == [("ERROR", kind)]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_minimum_over_the_limit_is_a_no_and_a_maximum_a_warning(
    simulate, dialect
):
    client = await simulate(dialect, cores=8, memory=32)
    request = client.says.request(cores=9)
    refused = await client.submit(request)
    client.says.compute(request)["cores"] = {"min": 1, "max": 9}
    warned = await client.submit(request)

    assert refused["result"] == "NO"
    assert client.says.messages(refused) == [("ERROR", "urn:resource-limit")]
    assert warned["result"] == "YES"
    assert client.says.messages(warned) == [("WARN", "urn:resource-limit")]


async def test_too_large_a_storage_is_a_no(simulate):
    client = await simulate("2026-07")
    request = client.says.request()
    request["storage"] = [client.says.element("storage", size={"min": 1001})]

    document = await client.submit(request)

    assert client.says.messages(document) == [("ERROR", "urn:resource-limit")]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_volumes_need_resources_that_there_are(simulate, dialect):
    client = await simulate(dialect)
    request = client.says.request()
    resources = client.says.resources(request)
    inline = dialect in ("2026-04", "2026-07")
    (volume,) = resources["compute"]["volumes"] if inline else resources["volumes"]
    name = "resource" if inline else "resources"
    volume[name] = "elsewhere" if inline else ["elsewhere"]
    unknown = await client.submit(request)
    del volume[name]
    missing = await client.submit(request)

    for document in (unknown, missing):
        assert document["result"] == "NO"
        assert client.says.messages(document) == [("ERROR", "uri:resource-not-found")]


@pytest.mark.parametrize("dialect", ["2025-05", "2025-06", "2025-11", "2026-02"])
async def test_compute_can_only_mount_volumes_that_there_are(simulate, dialect):
    client = await simulate(dialect)
    request = client.says.request()
    client.says.compute(request)["volumes"] = ["elsewhere"]

    document = await client.submit(request)

    assert client.says.messages(document) == [("ERROR", "urn:resource-not-found")]


async def test_data_are_checked(simulate):
    client = await simulate("2026-07")
    says = client.says
    twice = says.request()
    twice["data"] *= 2
    lost = says.request()
    lost["data"][0]["storage"] = "elsewhere"
    bare = says.request()
    bare["data"].append(says.element("s3", "bucket", endpoint="https://s3.example"))

    kinds = [
        {kind for _, kind in says.messages(await client.submit(request))}
        for request in (twice, lost, bare)
    ]

    assert kinds == [
        {"urn:duplicate-resource", "uri:duplicate-resource"},
        {"urn:resource-not-found"},
        {"urn:missing-required-value"},
    ]


@pytest.mark.parametrize("duration", ["ten minutes", "P1M", "00:10:00"])
async def test_a_duration_that_isn_t_one_is_a_no(simulate, duration):
    client = await simulate("2026-07")

    document = await client.submit(client.says.request(duration=duration))

    assert client.says.messages(document) == [("ERROR", "urn:input-syntax-fail")]


async def test_the_newest_brokers_refuse_skao_data(simulate):
    client = await simulate("2026-07", knows_skao=False)

    document = await client.submit(client.says.request())

    assert client.says.messages(document) == [("ERROR", "uri:unknown-type")]


async def test_a_site_says_no_with_its_reason(simulate):
    client = await simulate("2026-07", says_no="Closed for maintenance")

    document = await client.submit(client.says.request())

    (message,) = document["meta"]["messages"]
    assert message["template"] == "Closed for maintenance"
    assert set(message) == {"kind", "time", "level", "template"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_missing_or_foreign_discriminator_is_a_400(simulate, dialect):
    client = await simulate(dialect)
    says = client.says
    foreign = Dialogue("2025-11" if says.has_meta else "2026-07")
    requests = [says.request() for _ in range(4)]
    del requests[0]["executable"][says.key]
    requests[1]["executable"] = foreign.docker()
    says.compute(requests[2])[says.key] = "https://example.org/compute"
    says.resources(requests[3])["data"][0][says.key] = None

    for request in requests:
        async with await client.post(says.path, request) as answer:
            assert answer.status == 400


@pytest.mark.parametrize("dialect", META_DIALECTS)
async def test_the_word_computer_is_no_longer_known(simulate, dialect):
    client = await simulate(dialect)
    request = client.says.request()
    uri = request["compute"]["kind"].replace("/compute/", "/computer/")
    request["compute"]["kind"] = uri

    async with await client.post(client.says.path, request) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    "path",
    [
        "executable=[]",
        "executable/image=text",
        "executable/image/locations=text",
        "executable/command=5",
        "executable/privileged=yes",
        "compute/cores/min=two",
        "compute/cores/min=9223372036854775808",
        "compute/volumes/0/mode=SOMETIMES",
        "data=text",
        "data/0/skao/objecttype=GALAXY",
        "schedule=PT10M",
        "data/0/meta=text",
    ],
)
async def test_wrong_types_are_a_400(simulate, path):
    client = await simulate("2026-07")
    request = client.says.request()
    place, _, value = path.partition("=")
    *holders, last = (int(one) if one.isdigit() else one for one in place.split("/"))
    target = request
    for one in holders:
        target = target[one]
    target[last] = json.loads(value) if value[0] in "[59" else value

    async with await client.post("/requests", request) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"costs": NaN}',
        b"\xff",
        b'{"executable":' + b"[" * 100_000,
    ],
)
async def test_a_body_that_isn_t_a_request_is_a_400(simulate, body):
    client = await simulate("2026-07")

    async with client.http.post(
        client.running.url + "/requests",
        data=body,
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    ) as answer:
        document = await answer.json()

    assert answer.status == 400
    assert document == {
        "timestamp": "2026-03-01T12:00:00.25Z",
        "status": 400,
        "error": "Bad Request",
        "path": "/requests",
    }


@pytest.mark.parametrize(
    "body",
    [
        "a: &a [x]\nb: *a",
        "a: [",
        "- " * 100_000,
        "private: 1",
        "x: '" + "y" * 300_000 + "'",
    ],
)
async def test_yaml_is_read_strictly(simulate, body):
    client = await simulate("2026-07")

    async with client.http.post(
        client.running.url + "/requests",
        data=body,
        headers={"Content-Type": "text/yaml"},
    ) as answer:
        assert answer.status == 400


async def test_properties_that_aren_t_known_are_dropped_from_json(simulate):
    client = await simulate("2026-02")
    request = client.says.request()
    del request["executable"]["meta"]
    request["executable"]["name"] = "old-style"
    request["private"] = {"x": 1}

    offer = (await client.submit(request))["offers"][0]

    assert "name" not in offer["executable"]
    assert "name" not in offer["executable"]["meta"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_each_dialect_has_its_own_routes_only(simulate, dialect):
    client = await simulate(dialect)
    found = set()
    for path in ("/offersets", "/requests", "/direct", "/sessions", "/request"):
        async with await client.post(path, {}) as answer:
            found |= {path} if answer.status != 404 else set()

    assert found == {client.says.path, client.says.direct_path} - {None}


async def test_errors_are_yaml_for_a_client_that_accepts_anything(simulate):
    client = await simulate("2026-07")

    async with await client.get("/", headers={"Accept": "*/*"}) as answer:
        assert answer.status == 404
        assert answer.content_type == "application/yaml"
        assert yaml.safe_load(await answer.text())["status"] == 404
    async with await client.get("/", headers={"Accept": "application/json"}) as answer:
        assert (await answer.json())["path"] == "/"


@pytest.mark.parametrize("folder", ["offersets", "sessions"])
async def test_unknown_uuids_are_an_empty_404_and_others_a_400(simulate, folder):
    client = await simulate("2026-07")

    async with await client.get(
        f"/{folder}/00000000-0000-4000-8000-000000000000"
    ) as answer:
        assert (answer.status, await answer.read()) == (404, b"")
    async with await client.get(f"/{folder}/no-uuid") as answer:
        assert answer.status == 400
        assert b"Bad Request" in await answer.read()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/xml"}, 415),
        ({"Content-Type": "application/octet-stream"}, 415),
        ({"Content-Type": "application/json", "Accept": "application/xml"}, 406),
        ({"Content-Type": "application/json", "Accept": "text/yaml;q=0"}, 406),
    ],
)
async def test_media_types_that_aren_t_spoken(simulate, headers, status):
    client = await simulate("2026-07")

    async with client.http.post(
        client.running.url + "/requests", data=b"{}", headers=headers
    ) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/yaml, application/json;q=0.5", "application/yaml"),
        ("text/html, application/*;q=0.1", "application/json"),
        ("application/yaml;q=0.2, application/json;q=0.9", "application/json"),
    ],
)
async def test_the_best_accepted_media_type_is_written(simulate, accept, content_type):
    client = await simulate("2026-07")

    async with await client.post("/requests", {}, headers={"Accept": accept}) as answer:
        assert answer.status == 303
        assert answer.content_type == content_type


async def test_a_body_beyond_the_cap_is_a_413(simulate):
    client = await simulate("2026-07")

    async with client.http.post(
        client.running.url + "/requests",
        data=io.BytesIO(b" " * 2**20 + b"{}"),
        headers={"Content-Type": "application/json"},
    ) as answer:
        assert answer.status == 413


async def test_posts_want_credentials_where_the_site_does(simulate):
    client = await simulate("2026-07", requires_authorization=True)
    request = client.says.request()

    async with await client.post("/requests", request) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    async with await client.post(
        "/requests", request, headers={"Authorization": "Bearer x"}
    ) as answer:
        assert answer.status == 303
        uuid = (await answer.json())["offers"][0]["meta"]["uuid"]
    assert (await client.read(uuid))["phase"] == "OFFERED"


def token(subject):
    claims = json.dumps({"iss": "https://iam.example", "sub": subject})
    return f"Bearer h.{base64.urlsafe_b64encode(claims.encode()).decode()}.s"


async def test_administrators_may_update_what_belongs_to_others(simulate):
    client = await simulate("2026-07", administrators=("https://iam.example broker",))
    headers = {"Authorization": token("ada")}
    async with await client.post(
        "/requests", client.says.request(), headers=headers
    ) as answer:
        uuid = (await answer.json())["offers"][0]["meta"]["uuid"]
    for who, status in (("bob", 403), ("broker", 200)):
        async with await client.post(
            f"/sessions/{uuid}",
            client.says.update("REJECTED"),
            headers={"Authorization": token(who)},
        ) as answer:
            assert answer.status == status


def basic(user, password):
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("owner", "other", "status"),
    [
        (token("ada"), token("ada") + "2", 200),
        (token("ada"), token("bob"), 403),
        (basic("ada", "1"), basic("ada", "2"), 200),
        (basic("ada", "1"), basic("bob", "1"), 403),
        ("Bearer opaque", "Bearer other", 403),
        (token("ada"), None, 200),
        (None, token("ada"), 200),
    ],
)
async def test_sessions_are_updated_by_who_asked_for_them(
    simulate, owner, other, status
):
    client = await simulate("2026-07")

    def headers(credentials):
        return {"Authorization": credentials} if credentials else {}

    async with await client.post(
        "/requests", client.says.request(), headers=headers(owner)
    ) as answer:
        uuid = (await answer.json())["offers"][0]["meta"]["uuid"]
    async with await client.post(
        f"/sessions/{uuid}", client.says.update("ACCEPTED"), headers=headers(other)
    ) as answer:
        assert answer.status == status
        assert bool(await answer.read()) == (status == 200)
