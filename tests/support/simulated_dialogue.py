"""What clients say to simulated sites in each dialect, spelt out by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EB = "https://www.purl.org/ivoa.net/EB/schema"
KINDS = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"
DIALECTS = ("2025-05", "2025-06", "2025-11", "2026-02", "2026-04", "2026-07")
META_DIALECTS = ("2026-02", "2026-04", "2026-07")
SKAO = {"namespace": "testing", "objectname": "survey-07", "datasize": 27487790694400}

REFERENCE_REQUEST = """\
name: notebook-test
executable:
  type: https://www.purl.org/ivoa.net/EB/schema/types/executable/docker-container-1.0
  image:
    locations:
      - "images.canfar.net/skaha/base-notebook:latest"
  digest: "0000"
schedule:
  requested:
    duration: PT10M
compute:
  type: https://www.purl.org/ivoa.net/EB/schema/types/compute/simple-compute-resource-1.0
  volumes:
    - name: "Input data"
      type: https://www.purl.org/ivoa.net/EB/schema/types/volume/simple-volume-mount-1.0
      path: /inputs/
      mode: READONLY
  resources:
    - example-data-01
    - example-data-02
data:
  - name: example-data-01
    type: https://www.purl.org/ivoa.net/EB/schema/types/data/skao-data-resource-1.0
    skao:
      namespace: "testing"
      objectname: "zrq-test-20250509-082506"
  - name: example-data-02
    type: https://www.purl.org/ivoa.net/EB/schema/types/data/skao-data-resource-1.0
    skao:
      namespace: "testing"
      objectname: "zrq-test-20250509-094501"
"""


class HandClock:
    """A clock that only tests move."""

    def __init__(self):
        self.moment = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)

    def __call__(self):
        return self.moment

    def advance(self, seconds):
        self.moment += timedelta(seconds=seconds)


def _old_types(dialect):
    return {
        "2025-05": {
            "docker": f"{EB}/types/executables/docker-container-1.0",
            "jupyter": f"{EB}/types/executables/jupyter-notebook-1.0",
            "compute": f"{EB}/types/resources/compute/simple-compute-resource-1.0",
            "storage": f"{EB}/types/resources/storage/simple-storage-resource-1.0",
            "volume": f"{EB}/types/resources/volumes/simple-volume-mount-1.0",
            "skao": f"{EB}/types/resources/data/skao-data-resource-1.0",
            "s3": f"{EB}/types/resources/data/amazon-s3-data-resource-1.0",
            "offerset": f"{EB}/types/offersets/offerset-response-1.0",
            "session": f"{EB}/types/sessions/execution-session-response-1.0",
        },
        "2025-06": {
            "docker": f"{EB}/types/executable/docker-container-1.0",
            "jupyter": f"{EB}/types/executable/jupyter-notebook-1.0",
            "compute": f"{EB}/types/computer/simple-compute-resource-1.0",
            "storage": f"{EB}/types/storage/simple-storage-resource-1.0",
            "volume": f"{EB}/types/volume/simple-volume-mount-1.0",
            "skao": f"{EB}/types/data/skao-data-resource-1.0",
            "s3": f"{EB}/types/data/S3-data-resource-1.0",
            "offerset": f"{EB}/types/offerset/offerset-response-1.0",
            "session": f"{EB}/types/session/execution-session-response-1.0",
        },
        "2025-11": {
            "docker": f"{EB}/types/executable/docker-container-1.0",
            "jupyter": f"{EB}/types/executable/jupyter-notebook-1.0",
            "compute": f"{EB}/types/compute/simple-compute-resource-1.0",
            "storage": f"{EB}/types/storage/simple-storage-resource-1.0",
            "volume": f"{EB}/types/volume/simple-volume-mount-1.0",
            "skao": f"{EB}/types/data/skao-data-resource-1.0",
            "s3": f"{EB}/types/data/S3-data-resource-1.0",
            "offerset": f"{EB}/types/offerset/offerset-response-1.0",
            "session": f"{EB}/types/session/execution-session-response-1.0",
        },
    }[dialect]


def _new_kinds(dialect):
    if dialect == "2026-07":
        return {
            "docker": f"{KINDS}/executable/docker-container.yaml",
            "jupyter": f"{KINDS}/executable/jupyter-notebook.yaml",
            "compute": f"{KINDS}/compute/simple-compute-resource.yaml",
            "storage": f"{KINDS}/storage/simple-storage-resource.yaml",
            "volume": f"{KINDS}/volume/simple-volume-mount.yaml",
            "skao": f"{KINDS}/data/skao-data-resource.yaml",
            "s3": f"{KINDS}/data/S3-data-resource.yaml",
            "offerset": f"{KINDS}/offerset/execution-offerset.yaml",
            "session": f"{KINDS}/session/scheduled-execution-session.yaml",
        }
    return {
        "docker": f"{EB}/v1.0/types/executable/docker-container-1.0",
        "jupyter": f"{EB}/v1.0/types/executable/jupyter-notebook-1.0",
        "compute": f"{EB}/v1.0/types/compute/simple-compute-resource-1.0",
        "storage": f"{EB}/v1.0/types/storage/simple-storage-resource-1.0",
        "volume": f"{EB}/v1.0/types/volume/simple-volume-mount-1.0",
        "skao": f"{EB}/v1.0/types/data/skao-data-resource-1.0",
        "s3": f"{EB}/v1.0/types/data/S3-data-resource-1.0",
        "offerset": f"{EB}/v1.0/types/offerset/execution-offerset-1.0",
        "session": f"{EB}/v1.0/types/session/scheduled-execution-session-1.0",
    }


@dataclass(frozen=True)
class Dialogue:
    """One dialect from the client's side."""

    dialect: str

    @property
    def has_meta(self):
        return self.dialect in META_DIALECTS

    @property
    def key(self):
        return "kind" if self.has_meta else "type"

    @property
    def uris(self):
        reader = _new_kinds if self.has_meta else _old_types
        return reader(self.dialect)

    @property
    def path(self):
        return "/requests" if self.dialect == "2026-07" else "/offersets"

    @property
    def direct_path(self):
        return {"2026-04": "/sessions", "2026-07": "/direct"}.get(self.dialect)

    def element(self, uri, name=None, **body):
        head = {self.key: self.uris.get(uri, uri)}
        if name and self.has_meta:
            head["meta"] = {"name": name}
        elif name:
            head["name"] = name
        return {**head, **body}

    def docker(self, **body):
        image = {"locations": ["registry.example/tool:1"], "digest": "sha256:00"}
        return self.element("docker", "tool", **({"image": image} | body))

    def request(
        self, *, duration="PT10M", start=None, executable=None, cores=1, memory=1
    ):
        """Return a request with one SKAO dataset that is mounted as a volume."""
        wanted = {"duration": duration} if duration else {}
        if start:
            wanted["start"] = [start] if self.dialect == "2025-05" else start
        compute = self.element(
            "compute",
            "machine",
            cores={"min": cores, "max": cores},
            memory={"min": memory, "max": memory},
        )
        resources = {"data": [self.element("skao", "survey", skao=dict(SKAO))]}
        if self.dialect in ("2026-04", "2026-07"):
            mount = self.element(
                "volume", path="/in", mode="READONLY", resource="survey"
            )
            compute["volumes"] = [mount]
        else:
            compute["volumes"] = ["input"]
            mount = self.element(
                "volume",
                "input",
                path="/in",
                mode="READONLY",
                cardinality="CONTAINER",
                resources=["survey"],
            )
            resources["volumes"] = [mount]
        if self.dialect == "2025-05":
            parts = {"resources": {"compute": [compute], **resources}}
        else:
            name = "computer" if self.dialect == "2025-06" else "compute"
            parts = {name: compute, **resources}
        if not self.has_meta:
            parts["name"] = "job"
        return {
            "executable": executable or self.docker(),
            "schedule": {"requested": wanted},
            **parts,
        }

    def update(self, phase, path="phase"):
        update = {self.key: "uri:enum-value-update", "path": path, "value": phase}
        return update if self.has_meta else {"update": update}

    def about(self, component):
        return component["meta"] if self.has_meta else component

    def uuid(self, component):
        return self.about(component)["uuid"]

    def url(self, component):
        return self.about(component)["url" if self.has_meta else "href"]

    def resources(self, session):
        return session["resources"] if self.dialect == "2025-05" else session

    def compute(self, session):
        if self.dialect == "2025-05":
            return session["resources"]["compute"][0]
        return session["computer" if self.dialect == "2025-06" else "compute"]

    def messages(self, offer_set):
        return [
            (one["level"], one["kind"]) for one in self.about(offer_set)["messages"]
        ]


class Client:
    """A client of one running site that speaks one dialect."""

    def __init__(self, http, running, dialogue):
        self.http = http
        self.running = running
        self.says = dialogue

    async def post(self, path, document, **arguments):
        return await self.http.post(
            self.running.url + path,
            json=document,
            allow_redirects=False,
            **arguments,
        )

    async def submit(self, document):
        async with await self.post(self.says.path, document) as answer:
            assert answer.status == 303
            return await answer.json()

    async def offers(self, **arguments):
        return (await self.submit(self.says.request(**arguments)))["offers"]

    async def get(self, path, **arguments):
        return await self.http.get(
            self.running.url + path, allow_redirects=False, **arguments
        )

    async def read(self, uuid):
        async with await self.get(f"/sessions/{uuid}") as answer:
            assert answer.status == 200
            return await answer.json()

    async def update(self, uuid, phase, path="phase"):
        document = self.says.update(phase, path)
        async with await self.post(f"/sessions/{uuid}", document) as answer:
            assert answer.status == 200
            return await answer.json()
