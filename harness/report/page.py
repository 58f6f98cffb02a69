"""The report as one self-contained page, which needs no network and asks for none."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from harness.report.content import Content
from harness.report.figures.svg import COLOURS, DARK, recoloured
from harness.report.units import factors

STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


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
    css = _colours() + css
    of_figures = {found for svg in svgs.values() for found in STYLE.findall(svg)}
    return environment.from_string(template).render(
        content=content,
        svgs=drawn,
        policy=_policy(script, [css, *sorted(of_figures)]),
        css=Markup(css),
        script=Markup(script),
        units=Markup(json.dumps(factors(), ensure_ascii=False)),
    )


def _colours() -> str:
    """Return the figures' colours as variables, on either background."""
    light, dark = (
        "".join(f"--fig-{name}: {colour}; " for name, colour in of.items())
        for of in (COLOURS, DARK)
    )
    return f"\n:root {{ {light}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}\n"


def _policy(script: str, styles: Sequence[str]) -> str:
    """Return what the page may use: this script and these styles, by their hashes, and no network.

    Figures have attributes of style, which run nothing. Browsers that don't know styles by their
    elements go by the second rule alone.
    """
    rules = (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"style-src-elem {' '.join(map(_hash, styles))}",
        "style-src-attr 'unsafe-inline'",
        f"script-src {_hash(script)}",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _part(name: str) -> str:
    return resources.files("harness.report").joinpath(name).read_text("utf-8")


def themed(svg: str) -> str:
    """Let the page choose a figure's colours, so that it can be read on a dark background."""
    return recoloured(svg, "var(--fig-{})".format)
