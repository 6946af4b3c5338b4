"""Print the alert rules as a PrometheusRule, for clusters with the operator.

python deploy/kubernetes/prometheus_rule.py | kubectl apply -f -
"""

import sys
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[2] / "grafana" / "alerts.yaml"


def prometheus_rule(rules: dict[str, Any]) -> dict[str, Any]:
    """Return ``rules`` as the operator's resource; they are its spec as they stand."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "metabroker",
            "labels": {"app.kubernetes.io/name": "metabroker"},
        },
        "spec": rules,
    }


if __name__ == "__main__":
    document = prometheus_rule(yaml.safe_load(RULES.read_text()))
    yaml.safe_dump(document, sys.stdout, sort_keys=False)
