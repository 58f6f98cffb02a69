"""The report as one self-contained page, which needs no network and asks for none."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from harness.report.content import Content
from harness.report.figures.svg import COLOURS, DARK, recoloured
from harness.report.units import factors


def to_page(content: Content, svgs: Mapping[str, str]) -> str:
    """Return the page; `svgs` are the figures by name."""
    template, css, script = map(_part, ("page.html.j2", "page.css", "page.js"))
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # A figure's words are drawn or were escaped when it was made; the rest is escaped here.
    drawn = {name: Markup(themed(svg)) for name, svg in svgs.items()}
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.from_string(template).render(
        content=content,
        svgs=drawn,
        colours=COLOURS,
        dark=DARK,
        css=Markup(css),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        units=Markup(json.dumps(factors(), ensure_ascii=False)),
    )


def _part(name: str) -> str:
    return resources.files("harness.report").joinpath(name).read_text("utf-8")


def themed(svg: str) -> str:
    """Let the page choose a figure's colours, so that it can be read on a dark background."""
    return recoloured(svg, "var(--fig-{})".format)
