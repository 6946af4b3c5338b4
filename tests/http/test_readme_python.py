"""The Python of the README does what it shows, as it stands."""

import re
import textwrap

from site_adapters.simulated import SimulatedSite
from tests.support.ranking import ROOT
from tests.support.running import REFERENCE, running_federation

README = (ROOT / "README.md").read_text("utf-8")
[SNIPPET] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


async def test_a_request_is_sent_accepted_and_followed(tmp_path, monkeypatch, capsys):
    (tmp_path / "request.yaml").write_text(REFERENCE)
    monkeypatch.chdir(tmp_path)
    site = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), time_scale=2000)
    async with running_federation(tmp_path, site) as federation:
        there = SNIPPET.replace("http://127.0.0.1:8080", federation.url)
        scope = {}
        exec(f"async def told():\n{textwrap.indent(there, '    ')}", scope)
        await scope["told"]()
    assert "COMPLETED {" in capsys.readouterr().out.splitlines()[-1]
