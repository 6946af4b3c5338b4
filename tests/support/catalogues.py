"""Fakes of the Data Management API and of Rucio: real servers on loopback."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

TOKEN = "eyJ.catalogue.token"


@dataclass
class Misbehaviour:
    """What goes wrong at a fake, whatever it is asked.

    Attributes:
        silent: Whether nothing is answered until ``heard`` is set.
        status: Given instead of any answer.
        body: Given instead of any answer, with status 200.
        breaks_off: How many lines come before the connection is closed.
    """

    silent: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    status: int | None = None
    body: bytes | None = None
    breaks_off: int | None = None


@dataclass
class FakeCatalogue:
    """What both fakes have.

    Attributes:
        token: What a call must show; None lets everybody in.
        asked: The requests that came, as ``(raw path, headers, document)``.
    """

    token: str | None = TOKEN
    wrong: Misbehaviour = field(default_factory=Misbehaviour)
    asked: list = field(default_factory=list)
    open_calls: int = 0
    most_open_calls: int = 0
    url: str = ""

    async def handle(self, request):
        document = await request.json() if request.can_read_body else None
        self.asked.append((request.rel_url.raw_path, request.headers.copy(), document))
        self.open_calls += 1
        self.most_open_calls = max(self.most_open_calls, self.open_calls)
        try:
            # Whoever else is asking gets to do so first.
            await asyncio.sleep(0)
            if self.wrong.silent:
                await self.wrong.heard.wait()
            if self.wrong.status is not None:
                return web.json_response({"detail": "no"}, status=self.wrong.status)
            if self.wrong.body is not None:
                return web.Response(body=self.wrong.body)
            return await self.answer(request, document)
        finally:
            self.open_calls -= 1

    async def answer(self, request, document):
        raise NotImplementedError


def storage_element(rse, *urls):
    """Return an entry of an answer of the Data Management API."""
    return {
        "identifier": rse,
        "associated_storage_area_id": "7d3a2a52-61a5-4c68-9e87-5b1cc1b7a0d4",
        "replicas": list(urls),
        "colocated_services": [
            {
                "type": "prepare_data",
                "prefix": "https",
                "host": "gate.example",
                "port": 443,
                "path": "/preparedata",
            }
        ],
    }


@dataclass
class FakeDmApi(FakeCatalogue):
    """Answers ``GET /data/locate/{namespace}/{name}``.

    Attributes:
        data: Entries by ``namespace/name``.
        old: Whether it answers as older deployments do, by storage element.
        unknown: How it says that it doesn't know: by ``404``, or by ``[]``.
        forbidden: Namespaces that the token's bearer may not see.
    """

    data: dict = field(default_factory=dict)
    old: bool = False
    unknown: str = "404"
    forbidden: tuple = ()

    async def answer(self, request, document):
        if self.token is not None:
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return web.json_response({"detail": "bad token"}, status=401)
            if request.match_info["namespace"] in self.forbidden:
                return web.json_response({"detail": "no role"}, status=403)
        name = "{namespace}/{name}".format(**request.match_info)
        entries = self.data.get(name)
        if entries is None:
            if self.unknown == "404":
                return web.json_response({"detail": "not found"}, status=404)
            entries = []
        if self.old:
            return web.json_response(
                {
                    entry["identifier"]: {
                        "replicas": entry["replicas"],
                        "services": entry["colocated_services"],
                    }
                    for entry in entries
                }
            )
        return web.json_response(entries)


def rucio_file(name, size, *replicas, states=None):
    """Return a line of Rucio's: a file ``scope:name`` with replicas ``RSE=url``.

    The type of an RSE whose name ends in TAPE is tape; ``states`` has the RSEs whose
    replica isn't available.
    """
    scope, _, name = name.partition(":")
    pfns, rses = {}, {}
    for replica in replicas:
        rse, _, url = replica.partition("=")
        url = url or f"https://{rse.lower().replace('_', '-')}.example:8443/{name}"
        pfns[url] = {
            "rse_id": f"id-of-{rse}",
            "rse": rse,
            "type": "TAPE" if rse.endswith("TAPE") else "DISK",
            "volatile": False,
            "domain": "wan",
            "priority": len(pfns) + 1,
            "client_extract": False,
        }
        rses.setdefault(rse, []).append(url)
    return {
        "scope": scope,
        "name": name,
        "bytes": size,
        "md5": None,
        "adler32": "0cc737eb",
        "pfns": pfns,
        "rses": rses,
        "states": {rse: (states or {}).get(rse, "AVAILABLE") for rse in rses},
    }


@dataclass
class FakeRucio(FakeCatalogue):
    """Answers ``POST /replicas/list`` and ``GET /rses/{}/distances/{}``.

    Attributes:
        files: Lines by ``scope:name``.
        datasets: Names of files by the ``scope:name`` of their dataset or container.
        unknown: What an unknown identifier does: ``missing`` leaves it out, ``404``
            and ``400`` fail the question.
        tells_parents: Whether parents are named where that is asked for.
        distances: By RSE pair.
    """

    files: dict = field(default_factory=dict)
    datasets: dict = field(default_factory=dict)
    unknown: str = "missing"
    tells_parents: bool = True
    distances: dict = field(default_factory=dict)

    def have(self, *lines):
        for line in lines:
            self.files[f"{line['scope']}:{line['name']}"] = line

    async def answer(self, request, document):
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if request.method == "GET":
            return self._distance(request)
        names = [f"{did['scope']}:{did['name']}" for did in document["dids"]]
        known = self.files.keys() | self.datasets.keys()
        if self.unknown != "missing" and not known.issuperset(names):
            return _error(int(self.unknown), "DataIdentifierNotFound")
        lines = list(self._lines(names, document.get("resolve_parents")))
        return await self._stream(request, lines)

    def _refusal(self, request):
        given = request.headers.get("X-Rucio-Auth-Token")
        if given is None:
            return web.Response(status=400, text="Token must be set.")
        if given != self.token:
            return _error(401, "CannotAuthenticate")
        return None

    def _lines(self, names, resolve_parents):
        wanted = dict.fromkeys(
            file for name in names for file in self.datasets.get(name, [name])
        )
        for file in wanted:
            if file in self.files:
                line = dict(self.files[file])
                if resolve_parents and self.tells_parents:
                    line["parents"] = [
                        one for one, files in self.datasets.items() if file in files
                    ]
                yield json.dumps(line).encode() + b"\n"

    async def _stream(self, request, lines):
        response = web.StreamResponse(
            headers={"Content-Type": "application/x-json-stream"}
        )
        await response.prepare(request)
        for number, line in enumerate(lines):
            if number == self.wrong.breaks_off:
                await response.write(line[: len(line) // 2])
                request.transport.close()
                return response
            await response.write(line)
        await response.write_eof()
        return response

    def _distance(self, request):
        pair = request.match_info["source"], request.match_info["target"]
        if pair not in self.distances:
            return web.json_response([])
        distance = self.distances[pair]
        return web.json_response(
            [
                {
                    "src_rse_id": f"id-of-{pair[0]}",
                    "dest_rse_id": f"id-of-{pair[1]}",
                    "distance": distance,
                    "ranking": distance,
                }
            ]
        )


def _error(status, exception):
    return web.json_response(
        {"ExceptionClass": exception, "ExceptionMessage": "no"},
        status=status,
        headers={"ExceptionClass": exception, "ExceptionMessage": "no"},
    )


@asynccontextmanager
async def running_catalogue(fake):
    """Run a fake on a free port while the block runs."""
    app = web.Application()
    app.router.add_get("/data/locate/{namespace}/{name:.+}", fake.handle)
    app.router.add_post("/replicas/list", fake.handle)
    app.router.add_get("/rses/{source}/distances/{target}", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        fake.wrong.heard.set()
        await runner.cleanup()
