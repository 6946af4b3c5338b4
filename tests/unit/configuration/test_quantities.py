import pytest

from aggregator.configuration.quantities import plain_number_hint


@pytest.mark.parametrize(
    ("key", "text", "hint"),
    [
        ("deadline", "500ms", "write 0.5 (seconds)"),
        ("deadline", "8 s", "write 8 (seconds)"),
        ("bucket_s", "2min", "write 120 (seconds)"),
        ("window", "24h", "write 86400 (seconds)"),
        ("window", "P1DT1H", "write 90000 (seconds)"),
        ("max_site_bytes", "4MiB", "write 4194304 (bytes)"),
        ("size_bytes", "1.5 TB", "write 1500000000000 (bytes)"),
        ("unknown_size_gb", "100 MB", "write 0.1 (GB)"),
        ("ingest_gbps", "800 Mb/s", "write 0.8 (Gb/s)"),
        ("ingest_gbps", "1 GB/s", "write 8 (Gb/s)"),
        ("home_s", "-5m", "write -300 (seconds)"),
        ("gb", "5 TB", "write 5000 (GB)"),
        ("rate_mb_s", "1.5 GB/s", "write 1500 (MB/s)"),
        ("prior_core_hours", "2d", "write 48 (core-hours)"),
        ("other_share_percent", "20 %", "write 20 (percent)"),
        ("s_per_overuse_percent", "20%", ""),
        ("rate_s_per_gb", "1 s", ""),
        ("rate_s_per_gb", "PT1S", ""),
        ("ingest_gbps", "10s", ""),
        ("size_bytes", "10s", ""),
        ("deadline", "8 apples", ""),
        ("deadline", "soon", ""),
        ("deadline", "Pluto", ""),
        ("deadline", "", ""),
        ("deadline", "9" * 400 + "s", ""),
    ],
)
def test_a_quantity_with_a_unit_becomes_the_number_to_write(key, text, hint):
    assert plain_number_hint(key, text) == hint
