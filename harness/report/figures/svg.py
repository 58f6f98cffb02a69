"""A matplotlib canvas as SVG text: the same bytes each time, and fit to stand inside a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

# Every colour that a figure uses, told apart by those who see no green. A page replaces each by its
# own on a dark background.
INK = "#1f2328"
MUTED = "#68707a"
GRID = "#d5dae0"
BAND = "#e8ecf0"
PAPER = "#fffffe"
BASELINE = "#757d86"
BASELINE_LIGHT = "#c2c8cf"
METHOD = "#0072b2"
METHOD_LIGHT = "#9ccbe6"
MARK = "#b03a00"
OTHERS = ("#101040", "#b59a00", "#5a3df0", "#401800")
TONES = {"good": "#0a6847", "mixed": "#8a5a00", "bad": "#b3261e", "open": "#57606a"}
COLOURS = {
    "ink": INK,
    "muted": MUTED,
    "grid": GRID,
    "band": BAND,
    "paper": PAPER,
    "baseline": BASELINE,
    "baseline-light": BASELINE_LIGHT,
    "method": METHOD,
    "method-light": METHOD_LIGHT,
    "mark": MARK,
    **{f"other-{number}": colour for number, colour in enumerate(OTHERS, 1)},
    **TONES,
}
DARK = {
    "ink": "#e3e7eb",
    "muted": "#9aa5b1",
    "grid": "#323a43",
    "band": "#29313a",
    "paper": "#14181d",
    "baseline": "#97a1ac",
    "baseline-light": "#5d6874",
    "method": "#56b4e9",
    "method-light": "#2d6a94",
    "mark": "#ff8a3d",
    "other-1": "#ffffff",
    "other-2": "#f0e442",
    "other-3": "#7078ff",
    "other-4": "#9c5a14",
    "good": "#5fcf9f",
    "mixed": "#e8b450",
    "bad": "#ff8a80",
    "open": "#a9b4bf",
}
"""The colours by their names, on a dark background."""

WIDTH_IN = 8.5 / 2.54

_STYLE: dict[Any, Any] = {
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 7.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
}


_VALUE = "value-"


def value_of(artist: Artist, text: str) -> None:
    """Let a mark say its value when somebody points at it or comes to it by keyboard."""
    artist.set_gid(_VALUE + text.encode().hex())


@contextmanager
def style() -> Iterator[None]:
    """Draw with this style alone, whatever the user's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def to_svg(canvas: Canvas, name: str, title: str, alternative: str) -> str:
    """Return the drawing as SVG whose identifiers are the name's own."""
    target = io.StringIO()
    matplotlib.rcParams["svg.hashsalt"] = name
    with warnings.catch_warnings():
        # Names come from others: a letter that no font here has is drawn as a box, not warned of.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        unsaid = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(canvas)
        canvas.savefig(target, format="svg", metadata=unsaid)
    text = target.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(rf'<g id="{_VALUE}([0-9a-f]*)"', _valued, text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    head, body = text.split(">", 1)
    words = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    label = (
        f'\n <title id="{name}-title">{escape(title)}</title>'
        f'\n <desc id="{name}-desc">{escape(alternative)}</desc>'
    )
    return f"{head} {_mark(name)} {words}>{label}{body}"


def _valued(found: re.Match[str]) -> str:
    return f'<g class="mark" data-value="{escape(bytes.fromhex(found[1]).decode())}"'


def recoloured(svg: str, colour: Callable[[str], str]) -> str:
    """Replace each colour of a figure by what is given for its name."""
    names = {colour: name for name, colour in COLOURS.items()}
    return re.sub(
        r"#[0-9a-f]{6}\b",
        lambda found: colour(names[found[0]]) if found[0] in names else found[0],
        svg,
    )


def on_dark(svg: str) -> str:
    """Return a figure for a dark background, such as a README's at night."""
    return recoloured(svg, DARK.__getitem__)


def is_drawn_as(name: str, svg: bytes) -> bool:
    """Say whether a file was drawn here under this name; a copy by another name is its owner's."""
    return _mark(name).encode() in svg.partition(b">")[0]


def _mark(name: str) -> str:
    return f'data-drawn-by-harness="{escape(name)}"'
