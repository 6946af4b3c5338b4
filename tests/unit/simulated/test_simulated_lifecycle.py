import pytest

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated.lifecycle import ComponentPhase, roll_up
from tests.support.simulated_dialogue import DIALECTS

QUEUE = 100
PREPARING = 50
RUNS = 600


async def begin(simulate, dialect, **arguments):
    """Accept the first offer, which starts after the queue, to the second."""
    behaviour = {"first_start": QUEUE, "preparing": PREPARING} | arguments
    client = await simulate(dialect, **behaviour)
    uuid = client.says.uuid((await client.offers())[0])
    assert (await client.update(uuid, "ACCEPTED"))["phase"] == "ACCEPTED"
    return client, uuid


async def phases_at(client, uuid, clock, *seconds):
    """Read the session at some seconds after its acceptance."""
    began, phases = clock.moment, []
    for moment in seconds:
        clock.moment = began
        clock.advance(moment)
        phases.append((await client.read(uuid))["phase"])
    return phases


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_session_lives_from_acceptance_to_completion(simulate, clock, dialect):
    client, uuid = await begin(simulate, dialect)

    start = QUEUE + 0.75
    end = start + RUNS
    seen = await phases_at(
        client, uuid, clock, 0.5, 30, 60, start - 1, start, end - 1, end, end + 10
    )

    waiting = "PREPARING" if dialect in ("2026-04", "2026-07") else "WAITING"
    available = "READY" if dialect in ("2025-05", "2025-06") else "AVAILABLE"
    assert seen == [
        "ACCEPTED",
        waiting,
        "PREPARING",
        "PREPARING",
        available,
        available,
        "RELEASING",
        "COMPLETED",
    ]


async def test_components_come_and_go_in_order(simulate, clock):
    client, uuid = await begin(simulate, "2025-11")
    started = clock.moment
    order = ("storage", "data", "compute", "executable")
    first = {name: {} for name in order}
    for seconds in range(QUEUE + RUNS + 15):
        clock.moment = started
        clock.advance(seconds)
        session = await client.read(uuid)
        for name in order:
            part = session[name]
            phase = (part[0] if isinstance(part, list) else part)["phase"]
            first[name].setdefault(phase, seconds)

    for name in order[:2]:
        assert list(first[name])[-4:] == [
            "PREPARING",
            "AVAILABLE",
            "RELEASING",
            "COMPLETED",
        ]
    for phase in ("PREPARING", "AVAILABLE"):
        moments = [first[name][phase] for name in order]
        assert moments == sorted(moments)
    for phase in ("RELEASING", "COMPLETED"):
        moments = [first[name][phase] for name in order]
        assert moments == sorted(moments, reverse=True)


async def test_the_clock_of_sessions_can_run_faster(simulate, clock):
    client, uuid = await begin(simulate, "2025-11", time_scale=100)
    offered = (await client.read(uuid))["schedule"]["available"]["start"]

    seen = await phases_at(client, uuid, clock, 0, 0.3, 0.9, 1.1, 7.1, 7.2)

    assert offered == "2026-03-01T12:01:41Z/PT0S"
    assert seen == [
        "ACCEPTED",
        "WAITING",
        "PREPARING",
        "AVAILABLE",
        "RELEASING",
        "COMPLETED",
    ]


async def test_an_offer_that_is_accepted_late_is_prepared_at_once(simulate, clock):
    client = await simulate("2025-11", first_start=QUEUE, preparing=PREPARING)
    uuid = (await client.offers())[0]["uuid"]
    clock.advance(QUEUE + 60)
    await client.update(uuid, "ACCEPTED")

    seen = await phases_at(client, uuid, clock, 2, PREPARING, PREPARING + 2)

    assert seen == ["PREPARING", "PREPARING", "AVAILABLE"]


async def test_an_executable_runs_as_long_as_the_site_says(simulate, clock):
    client, uuid = await begin(simulate, "2026-07", runs=5)

    seen = await phases_at(client, uuid, clock, QUEUE + 4, QUEUE + 6, QUEUE + 16)

    assert seen == ["AVAILABLE", "RELEASING", "COMPLETED"]


async def test_cancelling_stops_the_session_but_not_its_components(simulate, clock):
    client, uuid = await begin(simulate, "2026-07", forgets_rejections=False)
    clock.advance(QUEUE + 5)

    cancelled = await client.update(uuid, "CANCELLED")
    clock.advance(RUNS + 20)
    later = await client.read(uuid)

    assert cancelled["phase"] == later["phase"] == "CANCELLED"
    assert cancelled["executable"]["phase"] == "AVAILABLE"
    assert later["executable"]["phase"] == "COMPLETED"


async def test_a_forgotten_cancellation_lets_the_session_go_on(simulate, clock):
    client, uuid = await begin(simulate, "2026-04")
    clock.advance(QUEUE + 5)

    assert (await client.update(uuid, "CANCELLED"))["phase"] == "CANCELLED"
    assert (await client.read(uuid))["phase"] == "AVAILABLE"


@pytest.mark.parametrize(("phase", "granted"), [("CANCELLED", 0), ("FAILED", 1)])
async def test_a_releasing_session_can_fail_but_not_be_cancelled(
    simulate, clock, phase, granted
):
    client, uuid = await begin(simulate, "2026-07")
    clock.advance(QUEUE + RUNS + 5)

    session = await client.update(uuid, phase)

    assert session["phase"] == (phase if granted else "RELEASING")


async def test_a_notebook_gets_a_connector_while_it_is_available(simulate, clock):
    client = await simulate("2026-07", first_start=QUEUE)
    notebook = client.says.element(
        "jupyter", location="https://example.org/notebook.ipynb"
    )
    uuid = (await client.offers(executable=notebook))[0]["meta"]["uuid"]
    await client.update(uuid, "ACCEPTED")
    before = await client.read(uuid)
    clock.advance(QUEUE + 5)
    available = await client.read(uuid)
    clock.advance(RUNS)
    after = await client.read(uuid)

    assert "connectors" not in before
    assert "connectors" not in after
    assert available["connectors"] == [
        {
            "kind": "uri:jupyter-notebook",
            "protocol": "HTTP",
            "location": f"{client.running.url}/connect/{uuid}/notebook",
        }
    ]


async def test_a_container_gets_a_connector_for_each_port(simulate, clock):
    client = await simulate("2025-11", first_start=QUEUE)
    ports = [
        {"protocol": "HTTPS", "path": "/app", "internal": {"port": 8443}},
        {"internal": {"port": 22}},
    ]
    container = client.says.docker(network={"ports": ports})
    offer = (await client.offers(executable=container))[0]
    await client.update(offer["uuid"], "ACCEPTED")
    clock.advance(QUEUE + 5)

    session = await client.read(offer["uuid"])

    assert offer["connectors"] == []
    base = f"{client.running.url}/connect/{offer['uuid']}"
    assert [(one["protocol"], one["location"]) for one in session["connectors"]] == [
        ("HTTPS", f"{base}/8443/app"),
        ("TCP", f"{base}/22"),
    ]


@pytest.mark.parametrize(
    ("phases", "rolled"),
    [
        ("INITIALIZING INITIALIZING", None),
        ("WAITING AVAILABLE FAILED", SessionPhase.FAILED),
        ("CANCELLED PREPARING", SessionPhase.CANCELLED),
        ("CANCELLED FAILED", SessionPhase.FAILED),
        ("INITIALIZING WAITING", SessionPhase.PREPARING),
        ("RELEASING PREPARING", SessionPhase.PREPARING),
        ("AVAILABLE RUNNING", SessionPhase.AVAILABLE),
        ("AVAILABLE RELEASING COMPLETED", SessionPhase.RELEASING),
        ("AVAILABLE COMPLETED", SessionPhase.RELEASING),
        ("COMPLETED COMPLETED", SessionPhase.COMPLETED),
    ],
)
def test_a_session_s_phase_is_rolled_up_from_its_components(phases, rolled):
    assert roll_up([ComponentPhase(one) for one in phases.split()]) is rolled
