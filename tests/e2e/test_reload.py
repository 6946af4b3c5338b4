"""SIGHUP has a running service read its configuration again."""

import json
import signal
from urllib.request import urlopen

from tests.support.commands import command, wait_for_url
from tests.support.running import configuration_files

POLICY = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: default, revision: 1}
weighers: [{name: time_to_start}]
"""
SITES = [{"name": "here", "broker": {"url": "http://127.0.0.1:9"}}]
UNWATCHED = {"ranking": ["policy.yaml"], "reload": {"watch": False}}


def line_of(service, event):
    """Return the next line of the log that tells of ``event``."""
    told = []
    for line in service.stderr:
        told.append(line)
        if json.loads(line)["event"] == event:
            return json.loads(line)
    raise AssertionError("".join(told))


def policies(url):
    with urlopen(f"{url}/federation/policies", timeout=10) as answer:
        return json.load(answer)


def test_a_signal_has_the_files_read_again_and_bad_ones_refused(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    settings = configuration_files(tmp_path, SITES, UNWATCHED)
    with command("serve", "--config", settings) as service:
        url = wait_for_url(service)
        policy.write_text(POLICY.replace("revision: 1", "revision: 2"))
        service.send_signal(signal.SIGHUP)
        line = line_of(service, "configuration_read")
        assert (line["success"], line["level"]) == (True, "info")
        assert line["detail"] == "revision 2: policy default changed"
        assert policies(url)["policies"][0]["revision"] == 2

        policy.write_text(POLICY.replace("name: time_to_start", "name: time_to_stat"))
        service.send_signal(signal.SIGHUP)
        line = line_of(service, "configuration_refused")
        assert line["level"] == "warning"
        assert line["reason"].startswith(f"{policy}:4:19: name 'time_to_stat' is not")
        line = line_of(service, "configuration_read")
        assert (line["success"], line["level"]) == (False, "warning")
        assert policies(url)["policies"][0]["revision"] == 2

        service.send_signal(signal.SIGHUP)
        service.terminate()
        _, errors = service.communicate(timeout=20)
    assert service.returncode == 0, errors
