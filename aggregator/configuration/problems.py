"""What is wrong with a configuration, each with its place and its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that deserves a warning.

    Attributes:
        file: The file as its reader named it, or the environment variable.
        line: From 1; None where the place is not in a file's text.
        column: From 1.
        pointer: JSON pointer to the place within the file's document.
        reason: What is wrong there, in words for the person who wrote it.
    """

    file: str
    line: int | None
    column: int | None
    pointer: str
    reason: str

    def __str__(self) -> str:
        if self.line is None:
            return f"{self.file}: {self.reason}"
        return f"{self.file}:{self.line}:{self.column}: {self.reason}"


class ConfigurationError(Exception):
    """The configuration can't be used.

    Attributes:
        problems: All that was found, file by file, in the order of the lines.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(slots=True)
class Findings:
    """What the checks of one loading found, in the order in which they found it.

    Attributes:
        problems: Each stops the start.
        warnings: These don't.
    """

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def in_order(self) -> tuple[Problem, ...]:
        """Return the problems, files as they were read, each from top to bottom."""
        files = list(dict.fromkeys(problem.file for problem in self.problems))
        return tuple(
            sorted(
                dict.fromkeys(self.problems),
                key=lambda problem: (
                    files.index(problem.file),
                    problem.line or 0,
                    problem.column or 0,
                ),
            )
        )
