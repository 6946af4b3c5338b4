"""The running service reads its files again: all or nothing, and under way nothing moves."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import structlog

from aggregator import strict_yaml
from aggregator.domain.phases import SessionPhase
from site_adapters.simulated import Operation, SimulatedSite, faults, run
from tests.support.conversation import eventually, metric
from tests.support.leaks import nothing_more
from tests.support.running import REFERENCE, running_federation

QUICK = {"reload": {"interval": 0.2, "settle": 0.02}}
POLICY = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: default, revision: 1}
filters:
  - {name: expired}
weighers:
  - {name: time_to_start}
  - {name: data_moved}
order: {bucket_s: 120}
"""
NEAR = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), first_start=1800)
QUICKER = SimulatedSite(name="swesrc", rses=("SWESRC-OSO-T0",), first_start=5)
ACCEPT = '{"kind": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"}'
CANCEL = ACCEPT.replace("ACCEPTED", "CANCELLED")
JSON = {"Content-Type": "application/json"}
READ_AT = "metabroker_configuration_reload_timestamp_seconds"
GOOD = "metabroker_configuration_reload_success"


class Reloadable:
    """A running federation and the files of its configuration."""

    def __init__(self, federation, logs):
        self.federation = federation
        self.logs = logs
        self.directory = federation.directory

    def policy(self, text, name="policy.yaml"):
        self.replace(name, text)

    def replace(self, name, text):
        """Write a file as one should: whole, and in the place of the old one."""
        new = self.directory / f".{name}.new"
        new.write_text(text)
        new.replace(self.directory / name)

    def change_sites(self, change):
        """Write the sites anew, as ``change`` makes them of their entries by name."""
        file = self.directory / "sites.yaml"
        document = strict_yaml.load(file.read_bytes())
        entries = {entry["name"]: entry for entry in document["sites"]}
        change(entries)
        document["sites"] = list(entries.values())
        self.replace(file.name, strict_yaml.dump(document).decode())

    async def revision(self):
        return (await self.told())["revision"]

    async def told(self):
        return await (await self.federation.get("/federation/policies")).json()

    async def reaches(self, revision):
        async def is_reached():
            return await self.revision() == revision

        await eventually(is_reached)

    async def refuses(self):
        async def is_refused():
            return await metric(self.federation, GOOD) == 0

        await eventually(is_refused)

    async def ask(self, **headers):
        response = await self.federation.post("/offersets", REFERENCE, headers=headers)
        assert response.status == 303, await response.text()
        return await response.json()

    async def asked(self, offer_set):
        path = f"/offersets/{offer_set['uuid']}/sites"
        reports = await (await self.federation.get(path)).json()
        return {one["site"]: one["outcome"] for one in reports["sites"]}

    async def update(self, session, body):
        path = f"/sessions/{session}"
        answer = await self.federation.post(path, body, headers=JSON)
        return await answer.json()

    def events(self, name):
        return [line for line in self.logs if line["event"] == name]


@asynccontextmanager
async def reloadable(directory, *sites, settings=None, **more):
    (directory / "policy.yaml").write_text(POLICY)
    chosen = {"ranking": ["policy.yaml"], **QUICK, **(settings or {})}
    with structlog.testing.capture_logs() as logs:
        async with running_federation(
            directory, *sites, settings=chosen, **more
        ) as federation:
            yield Reloadable(federation, logs)


@pytest.fixture
async def service(tmp_path):
    async with reloadable(tmp_path, NEAR, QUICKER) as running:
        yield running


async def test_a_changed_policy_ranks_from_then_on(service):
    before = await service.ask()
    service.policy(POLICY.replace("revision: 1", "revision: 2"))
    await service.reaches(2)
    after = await service.ask()
    policies = []
    for offer_set in (before, after):
        path = f"/offersets/{offer_set['uuid']}/ranking"
        policies.append((await (await service.federation.get(path)).json())["policy"])
    assert [policy["revision"] for policy in policies] == [1, 2]
    assert policies[0]["sha256"] != policies[1]["sha256"]
    shown = await metric(service.federation, "metabroker_policy_info")
    assert shown == 1
    assert await metric(service.federation, "metabroker_policy_info", revision="2")
    [line] = service.events("configuration_read")[1:]
    assert line["detail"] == "revision 2: policy default changed"
    assert line["log_level"] == "info"


@pytest.mark.parametrize(
    ("spoilt", "place"),
    [
        (
            "apiVersion: metabroker.srcnet/v1\nkind: Rank",
            "policy.yaml:2:7: kind should",
        ),
        (POLICY.partition("weighers")[0], "policy.yaml:1:1: 'weighers' is missing"),
        (
            POLICY.replace("bucket_s: 120", "bucket: 120"),
            "policy.yaml:9:9: unknown key 'bucket'",
        ),
        ("weighers: [", "policy.yaml:2:1: "),
        ("", "policy.yaml:1:1: "),
        (None, "policy.yaml can't be read: no such file"),
    ],
    ids=["wrong", "half written", "mistyped", "broken off", "empty", "deleted"],
)
async def test_row_29_the_last_good_policy_stays_until_there_is_a_better_one(
    service, spoilt, place
):
    good = await service.told()
    before = await metric(service.federation, READ_AT)
    if spoilt is None:
        (service.directory / "policy.yaml").unlink()
    else:
        (service.directory / "policy.yaml").write_text(spoilt)
    await service.refuses()
    assert await metric(service.federation, READ_AT) > before
    assert await service.told() == good
    assert (await service.ask())["result"] == "YES"
    reasons = [line["reason"] for line in service.events("configuration_refused")]
    assert any(place in reason for reason in reasons), reasons
    line = service.events("configuration_read")[-1]
    assert (line["success"], line["log_level"]) == (False, "warning")
    assert place in line["detail"]

    service.policy(POLICY.replace("revision: 1", "revision: 2"))
    await service.reaches(2)
    assert await metric(service.federation, GOOD) == 1


async def test_row_29_a_policy_that_is_written_piece_by_piece_is_read_whole(tmp_path):
    settings = {"reload": {"interval": 0.2, "settle": 0.3}}
    async with reloadable(tmp_path, NEAR, settings=settings) as service:
        text = POLICY.replace("revision: 1", "revision: 2")
        with (tmp_path / "policy.yaml").open("w") as file:
            for line in text.splitlines(keepends=True):
                file.write(line)
                file.flush()
                await asyncio.sleep(0.05)
        await service.reaches(2)
        assert service.events("configuration_refused") == []


async def test_row_29_files_behind_links_change_together(tmp_path):
    """As orchestrators do it: one link, from which all files hang, leads elsewhere."""
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        text = POLICY.replace("revision: 1", f"revision: {version[1]}")
        (tmp_path / version / "policy.yaml").write_text(text)
    (tmp_path / "mount").mkdir()
    (tmp_path / "mount" / "..data").symlink_to("../v1")
    (tmp_path / "mount" / "policy.yaml").symlink_to("..data/policy.yaml")
    settings = {"ranking": ["mount/policy.yaml"]}
    async with reloadable(tmp_path, NEAR, settings=settings) as service:
        (tmp_path / "mount" / "..new").symlink_to("../v2")
        (tmp_path / "mount" / "..new").replace(tmp_path / "mount" / "..data")
        await service.reaches(2)
        [policy] = (await service.told())["policies"]
        assert policy["revision"] == 2


async def test_row_30_who_is_under_way_goes_on_with_what_there_was(tmp_path):
    slow = SimulatedSite(
        name="swesrc", rses=("SWESRC-OSO-T0",), latency={"request": 1.0}
    )
    async with reloadable(tmp_path, NEAR, slow) as service:
        asking = asyncio.create_task(service.ask(Prefer="wait=5"))

        async def is_asked():
            return service.federation.sites["swesrc"].requests

        await eventually(is_asked)
        service.change_sites(lambda entries: entries.pop("swesrc"))
        await service.reaches(2)
        assert not asking.done()
        offer_set = await asking
        assert await service.asked(offer_set) == {"jpsrc": "ok", "swesrc": "ok"}
        assert await service.asked(await service.ask()) == {"jpsrc": "ok"}


async def test_row_30_a_removed_site_still_serves_its_live_sessions(service):
    offer_set = await service.ask()
    swedish = service.federation.sites["swesrc"]
    session = next(
        offer["uuid"]
        for offer in offer_set["offers"]
        if offer["uuid"] in swedish.sessions
    )
    assert (await service.update(session, ACCEPT))["phase"] in {"ACCEPTED", "PREPARING"}
    service.change_sites(lambda entries: entries.pop("swesrc"))
    await service.reaches(2)

    told = await (await service.federation.get("/federation/sites")).json()
    assert [site["name"] for site in told["sites"]] == ["jpsrc"]
    async with await service.federation.get("/metrics") as answer:
        assert 'metabroker_site_up{site="swesrc"}' not in await answer.text()
    swedish.move(session, SessionPhase.RUNNING)
    shown = await (await service.federation.get(f"/sessions/{session}")).json()
    assert shown["phase"] == "RUNNING"
    assert (await service.update(session, CANCEL))["phase"] == "CANCELLED"
    assert b"CANCELLED" in swedish.requests[-1].body


async def test_a_new_site_is_asked_watched_and_counted(service, tmp_path):
    newcomer = SimulatedSite(name="krsrc", dialect="2026-07", rses=("KRSRC_STORM",))
    async with run(newcomer) as running:
        entry = {
            "name": "krsrc",
            "broker": {"url": running.url, "dialect": "auto"},
            "rses": ["KRSRC_STORM"],
        }
        service.change_sites(lambda entries: entries.update(krsrc=entry))
        await service.reaches(2)

        async def is_prepared():
            return any(
                line["site"] == "krsrc" for line in service.events("site_prepared")
            )

        await eventually(is_prepared)
        up = await metric(
            service.federation, "metabroker_site_state", site="krsrc", state="unknown"
        )
        assert up == 1
        assert (await service.asked(await service.ask()))["krsrc"] == "ok"
        assert await metric(service.federation, "metabroker_site_up", site="krsrc") == 1
        line = service.events("configuration_read")[-1]
        assert line["detail"] == "revision 2: site krsrc added, links changed"


async def test_unchanged_sites_keep_what_was_found_out_of_them(tmp_path):
    entries = {"jpsrc": {"broker": {"dialect": "auto"}}}
    async with reloadable(tmp_path, NEAR, entries=entries) as service:
        site = service.federation.sites["jpsrc"]
        await service.ask()
        probed = len(site.requests)

        def give_it_a_downtime(found):
            found["jpsrc"]["description"] = "a site"
            found["jpsrc"]["downtime"] = [
                {
                    "type": "Planned",
                    "date_range": "2040-01-01T00:00:00Z to 2040-01-02T00:00:00Z",
                }
            ]

        service.change_sites(give_it_a_downtime)
        await service.reaches(2)
        await service.ask()
        assert len(site.requests) == probed + 1
        prepared = [line["site"] for line in service.events("site_prepared")]
        assert prepared == ["jpsrc"]


async def test_a_site_that_moved_is_asked_at_its_new_place(service):
    elsewhere = SimulatedSite(name="swesrc", rses=("SWESRC-OSO-T0",))
    service.federation.sites["swesrc"].script(
        Operation.REQUEST, faults.error(500), times=99
    )
    assert (await service.asked(await service.ask()))["swesrc"] == "error_5xx"
    async with run(elsewhere) as running:

        def move(entries):
            entries["swesrc"]["broker"]["url"] = running.url

        service.change_sites(move)
        await service.reaches(2)
        assert (await service.asked(await service.ask()))["swesrc"] == "ok"


async def test_a_site_that_comes_back_is_asked_again(service):
    kept = {}
    service.change_sites(lambda entries: kept.update(swesrc=entries.pop("swesrc")))
    await service.reaches(2)
    assert await service.asked(await service.ask()) == {"jpsrc": "ok"}
    service.change_sites(lambda entries: entries.update(kept))
    await service.reaches(3)
    assert (await service.asked(await service.ask()))["swesrc"] == "ok"


async def test_wrong_sites_change_nothing_in_policies_either(service):
    service.change_sites(lambda entries: entries["jpsrc"].update(colour="red"))
    await service.refuses()
    service.policy(POLICY.replace("revision: 1", "revision: 9"))

    async def is_refused_again():
        return len(service.events("configuration_read")) == 3

    await eventually(is_refused_again)
    assert (await service.told())["policies"][0]["revision"] == 1
    service.change_sites(lambda entries: entries["jpsrc"].pop("colour"))
    await service.reaches(2)
    assert (await service.told())["policies"][0]["revision"] == 9


async def test_links_are_read_again(service):
    (service.directory / "links.yaml").write_text("default_gbps: 2\n")
    settings = service.directory / "metabroker.yaml"
    service.replace(settings.name, settings.read_text() + "links: links.yaml\n")
    await service.reaches(2)
    before = await best_start(service, "swesrc")
    service.replace("links.yaml", "default_gbps: 1\n")
    await service.reaches(3)
    assert "links changed" in service.events("configuration_read")[-1]["detail"]
    assert await best_start(service, "swesrc") == pytest.approx(2 * before, rel=0.01)


async def best_start(service, site):
    offer_set = await service.ask()
    path = f"/offersets/{offer_set['uuid']}/ranking"
    ranking = await (await service.federation.get(path)).json()
    return next(
        one["estimate"]["start_s"] for one in ranking["offers"] if one["site"] == site
    )


async def test_settings_that_need_a_restart_are_named(service):
    settings = service.directory / "metabroker.yaml"
    document = strict_yaml.load(settings.read_bytes())
    document["fan_out"]["concurrent"] = 77
    service.replace(settings.name, strict_yaml.dump(document).decode())
    await service.reaches(2)
    told = [line["reason"] for line in service.events("configuration_warning")]
    assert [reason for reason in told if "restart" in reason] == [
        "fan_out has changed, which takes effect at a restart"
    ]


async def test_files_are_not_watched_where_that_is_switched_off(tmp_path):
    settings = {"reload": {"watch": False}}
    async with reloadable(tmp_path, NEAR, settings=settings) as service:
        service.policy(POLICY.replace("revision: 1", "revision: 2"))
        await asyncio.sleep(0.5)
        assert await service.revision() == 1


async def test_reading_again_and_again_leaves_nothing_behind(service):
    kept = {}

    async def reload_twice(revision):
        service.change_sites(lambda found: kept.update(swesrc=found.pop("swesrc")))
        await service.reaches(revision)
        service.change_sites(lambda found: found.update(kept))
        await service.reaches(revision + 1)

    await reload_twice(2)
    async with nothing_more(within=10.0):
        for revision in range(4, 20, 2):
            await reload_twice(revision)
    prepared = [line["site"] for line in service.events("site_prepared")]
    assert sorted(prepared) == ["jpsrc", "swesrc"]
