"""Asking a Prometheus what a panel would ask it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

_POINTS: Final = 90
_PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Series:
    """One series.

    Attributes:
        points: Unix times and values; those that are no number are left out.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


class Asker:
    """Asks for one range of time.

    Args:
        url: Of the Prometheus; http or https.
        start: Unix time at which the range begins.
        end: Unix time at which it ends.
        variables: What Grafana would put in the place of its variables.
    """

    def __init__(
        self, url: str, start: float, end: float, variables: Mapping[str, str]
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"not the URL of a Prometheus: {url}")
        self._url = url.rstrip("/")
        self.start = start
        self.end = end
        self.step = max((end - start) / _POINTS, 1.0)
        self._variables = {"$__range": f"{math.ceil(end - start)}s", **variables}

    def filled(self, template: str) -> str:
        """Return ``template`` with the values of variables in their places."""
        for variable, value in self._variables.items():
            template = template.replace(variable, value)
        return template

    def now(self, expression: str) -> list[Series]:
        """Return what an expression gives at the end of the range."""
        answer = self._get("query", query=self.filled(expression), time=self.end)
        return _series([(one["metric"], [one["value"]]) for one in answer["result"]])

    def over_time(self, expression: str) -> list[Series]:
        """Return what an expression gives over the range."""
        answer = self._get(
            "query_range",
            query=self.filled(expression),
            start=self.start,
            end=self.end,
            step=self.step,
        )
        return _series([(one["metric"], one["values"]) for one in answer["result"]])

    def _get(self, path: str, **parameters: Any) -> Any:
        address = f"{self._url}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(address, timeout=_PATIENCE) as answer:  # noqa: S310 -- checked above
            return json.loads(answer.read())["data"]


def _series(results: list[tuple[Mapping[str, str], list[Any]]]) -> list[Series]:
    found = (
        Series(
            labels,
            tuple(
                (float(at), float(value))
                for at, value in values
                if math.isfinite(float(value))
            ),
        )
        for labels, values in results
    )
    return [series for series in found if series.points]
