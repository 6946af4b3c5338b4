"""What a soak counts, and what it finds wrong."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Figures:
    """Counts, and violations of the promises in words.

    Attributes:
        over_deadline: Seconds by which the slowest answer came after its deadline.
    """

    counts: Counter = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    over_deadline: float = 0.0

    def answered(self, seconds, deadline):
        self.over_deadline = max(self.over_deadline, seconds - deadline)

    def require(self, holds, violation):
        """Note a violation unless ``holds``."""
        if not holds:
            self.violations.append(violation)

    def lines(self):
        """Yield the figures as a table's lines, then the verdict."""
        width = max(map(len, self.counts))
        for name, count in sorted(self.counts.items()):
            yield f"{name:<{width}}  {count:>8}"
        yield f"slowest answer after its deadline: {self.over_deadline:+.3f} s"
        yield from self.violations[:50]
        yield f"violations: {len(self.violations)}"
