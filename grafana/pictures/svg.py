"""Shapes of SVG, as text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from xml.sax.saxutils import escape, quoteattr

INK: Final = "#24292e"
FAINT: Final = "#6e7781"
LINE: Final = "#d8dee4"
PAPER: Final = "#ffffff"
GROUND: Final = "#f4f5f5"

_NAMED: Final = {
    "text": INK,
    "green": "#56a64b",
    "yellow": "#e0b400",
    "orange": "#ff780a",
    "red": "#e02f44",
    "blue": "#3274d9",
}
_PALETTE: Final = (
    "#3274d9", "#56a64b", "#e0b400", "#8f3bb8", "#ff780a",
    "#0f8c8c", "#c4162a", "#7c6f64", "#5794f2", "#96d98d",
)  # fmt: skip
_CHARACTER: Final = 0.56
_CAPITAL: Final = 0.72
"""The width of a character, and of a capital letter, of its size."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the picture, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def inside(
        self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0
    ) -> "Box":
        """Return what is left within margins."""
        return replace(
            self,
            x=self.x + left,
            y=self.y + top,
            width=self.width - left - right,
            height=self.height - top - bottom,
        )


def color(name: str) -> str:
    """Return the colour that Grafana means by ``name``."""
    return _NAMED.get(name, name)


def palette(number: int) -> str:
    """Return the colour of a series that has none of its own."""
    return _PALETTE[number % len(_PALETTE)]


def rectangle(box: Box, fill: str, stroke: str = "none", radius: float = 0) -> str:
    """Return a filled rectangle."""
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{max(box.width, 0):.1f}" '
        f'height="{max(box.height, 0):.1f}" rx="{radius:g}" fill="{fill}" '
        f'stroke="{stroke}"/>'
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 11,
    fill: str = INK,
    anchor: str = "start",
    weight: str = "normal",
    room: float | None = None,
) -> str:
    """Return a line of text, cut to ``room`` pixels."""
    if room is not None:
        most = max(int(room / (size * _CHARACTER)), 1)
        words = words if len(words) <= most else f"{words[: most - 1]}…"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}" '
        f'text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
    )


def line(points: Sequence[tuple[float, float]], stroke: str, width: float = 1.5) -> str:
    """Return a line through points."""
    return (
        f'<polyline points="{_joined(points)}" fill="none" stroke="{stroke}" '
        f'stroke-width="{width:g}" stroke-linejoin="round"/>'
    )


def area(points: Sequence[tuple[float, float]], fill: str, opacity: float) -> str:
    """Return a filled shape."""
    return (
        f'<polygon points="{_joined(points)}" fill="{fill}" '
        f'fill-opacity="{opacity:g}" stroke="none"/>'
    )


def width_of(words: str, size: float) -> float:
    """Return about how wide a text is."""
    return size * sum(_CAPITAL if one.isupper() else _CHARACTER for one in words)


def picture(width: float, height: float, title: str, shapes: Sequence[str]) -> str:
    """Return the whole file."""
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f"aria-label={quoteattr(title)} "
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif">\n'
        f"{rectangle(Box(0, 0, width, height), GROUND)}\n{body}\n</svg>\n"
    )


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
