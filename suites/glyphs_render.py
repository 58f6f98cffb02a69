"""Render the glyph data set from the typefaces that matplotlib ships.

    python -m suites.glyphs_render            write glyphs.npz beside this file
    python -m suites.glyphs_render --check    render again and compare with the shipped file

The file is shipped because the pixels depend on the freetype that Pillow was built with, and two
machines that measure the same workload must see the same images. This program is kept so that
nobody has to believe the file.

The set is defined by these rules, in this order:

1. Candidates are the letters and digits that at least 12 of the 16 styles cover by their own
   character map. The first word of a character's Unicode name is its script, which leaves out
   symbols that only look like letters (the Kelvin sign, the double-struck alphabet).
2. A clean render scales the glyph's ink to 24 pixels along its longer side, keeps its proportions
   and centres it on 28 by 28. Size and height on the line therefore carry no information, as they
   carry none after the random scale and shift of rule 4.
3. Two characters are homoglyphs when the cosine of their clean renders exceeds 0.985 in at least
   four styles: as many styles as one family has, so that one coincidence does not cost a class. Of
   homoglyphs the first is kept, in the order of SCRIPTS and then of code points. Latin comes before
   the held-out scripts, so a held-out class is no copy of a training class under another code.
4. Every instance is one style under one affine map: scale each axis by 0.75 to 1.15, shear within
   0.25, rotate within 15 degrees, shift within 2 pixels. The map is seeded by character and style,
   so that a change of the rules for one class leaves every other class alone. What leaves the
   image is cut off: half a percent of the ink, a sixth at worst.
5. Grey is stored in 16 levels, ink 15 on background 0, two pixels a byte, first pixel high.

Digits train: they belong to no script and resemble Latin letters, so they would make a poor test.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import PIL
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from harness.errors import HarnessError, UsageError
from harness.seeds import derive
from suites import glyphs

STYLES = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Italic", "Bol", "BolIta")),
)
SCRIPTS = tuple(script for scripts in glyphs.SCRIPTS_OF_SPLIT.values() for script in scripts)
LETTERS_AND_DIGITS = ("Lu", "Ll", "Lt", "Lo", "Nd")
MINIMUM_STYLES = 12
HOMOGLYPH_COSINE = 0.985
HOMOGLYPH_STYLES = 4

SIDE = glyphs.SIDE
INK_SIDE = 24
FONT_PIXELS = 160
OVERSAMPLING = 4
MARGIN = 1
SEED = 0
IDENTITY = np.eye(2, 3)


@dataclass(frozen=True, eq=False)
class Rendering:
    """The whole set as it is stored: classes one after another, each with its instances."""

    code_points: NDArray[np.uint32]
    scripts: NDArray[np.str_]
    counts: NDArray[np.uint8]
    styles: NDArray[np.str_]
    images: NDArray[np.uint8]

    def write(self, path: Path) -> None:
        """Write the set, with the same bytes each time: numpy stamps no date into an archive."""
        names, style_of_instance = np.unique(self.styles, return_inverse=True)
        np.savez_compressed(
            path,
            code_points=self.code_points,
            scripts=self.scripts,
            counts=self.counts,
            made_with=_made_with(),
            style_names=names,
            styles=style_of_instance.astype(np.uint8),
            packed=self.images[:, :, 0::2] << 4 | self.images[:, :, 1::2],
        )


def render() -> Rendering:
    """Render the whole set from the installed typefaces."""
    inks = _inks()
    kept = _without_homoglyphs(inks)
    instances = [(character, style) for character in kept for style in inks[character]]
    drawn = [
        draw(inks[character][style], affine(character, style)) for character, style in instances
    ]
    return Rendering(
        code_points=np.array([ord(character) for character in kept], np.uint32),
        scripts=np.array([_script(character) for character in kept]),
        counts=np.array([len(inks[character]) for character in kept], np.uint8),
        styles=np.array([style for _, style in instances]),
        images=np.rint(np.stack(drawn) * glyphs.LEVELS).astype(np.uint8),
    )


def _made_with() -> str:
    freetype = features.version("freetype2")
    return f"matplotlib {matplotlib.__version__}, Pillow {PIL.__version__}, freetype {freetype}"


def _inks() -> dict[str, dict[str, Image.Image]]:
    """Return each candidate's ink, cropped, in each style that covers it, in the set's order."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    missing = [style for style in STYLES if not (folder / f"{style}.ttf").is_file()]
    if missing:
        raise UsageError(
            f"matplotlib {matplotlib.__version__} does not ship {', '.join(missing)}. "
            f"The shipped set needs no fonts; rendering it again needs {glyphs.load().made_with}."
        )
    styles_of: dict[str, list[str]] = defaultdict(list)
    for style in STYLES:
        with TTFont(folder / f"{style}.ttf", lazy=True) as font:
            for code_point in font.getBestCmap():
                styles_of[chr(code_point)].append(style)
    candidates = sorted(
        (character for character, styles in styles_of.items() if _is_candidate(character, styles)),
        key=lambda character: (SCRIPTS.index(_script(character)), character),
    )
    fonts = {
        style: ImageFont.truetype(
            str(folder / f"{style}.ttf"), FONT_PIXELS, layout_engine=ImageFont.Layout.BASIC
        )
        for style in STYLES
    }
    return {
        character: {style: _ink(character, fonts[style]) for style in styles_of[character]}
        for character in candidates
    }


def _is_candidate(character: str, styles: Sequence[str]) -> bool:
    return (
        len(styles) >= MINIMUM_STYLES
        and unicodedata.category(character) in LETTERS_AND_DIGITS
        and _script(character) in SCRIPTS
    )


def _script(character: str) -> str:
    return unicodedata.name(character, "?").split()[0].lower()


def _ink(character: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    canvas = Image.new("L", (3 * FONT_PIXELS, 3 * FONT_PIXELS))
    ImageDraw.Draw(canvas).text(
        (FONT_PIXELS, 2 * FONT_PIXELS), character, fill=255, font=font, anchor="ls"
    )
    box = canvas.getbbox()
    if box is None:
        raise HarnessError(f"{character!r} has no ink in {font.getname()}: the typeface changed")
    left, top, right, bottom = box
    # Pillow fades ink into background only where there is background inside the image.
    return canvas.crop((left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN))


def _without_homoglyphs(inks: dict[str, dict[str, Image.Image]]) -> list[str]:
    characters = list(inks)
    alike = np.zeros((len(characters), len(characters)), np.int64)
    for style in STYLES:
        covered = [index for index, one in enumerate(characters) if style in inks[one]]
        clean = np.stack([draw(inks[characters[index]][style]).ravel() for index in covered])
        clean /= np.linalg.norm(clean, axis=1, keepdims=True)
        alike[np.ix_(covered, covered)] += clean @ clean.T > HOMOGLYPH_COSINE
    kept: list[int] = []
    for index in range(len(characters)):
        if not (alike[index, kept] >= HOMOGLYPH_STYLES).any():
            kept.append(index)
    return [characters[index] for index in kept]


def affine(character: str, style: str) -> NDArray[np.float64]:
    """Return the instance's 2 by 3 map of the plane, in pixels about the image's centre."""
    rng = np.random.default_rng(derive(SEED, "glyph", ord(character), style))
    angle = np.deg2rad(rng.uniform(-15, 15))
    scale = np.diag(rng.uniform(0.75, 1.15, 2))
    shear = np.array([[1, rng.uniform(-0.25, 0.25)], [0, 1]])
    shift = rng.uniform(-2, 2, 2)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([rotation @ shear @ scale, shift])


def draw(ink: Image.Image, plane_map: NDArray[np.float64] = IDENTITY) -> NDArray[np.float32]:
    """Draw cropped ink through a 2 by 3 map of the plane, with grey in [0, 1]."""
    scale = (max(ink.size) - 2 * MARGIN) / INK_SIDE
    # Pillow asks for the way back, from a pixel of the oversampled result to a pixel of the ink.
    back = np.linalg.inv(plane_map[:, :2]) * scale / OVERSAMPLING
    centre = OVERSAMPLING * (SIDE / 2 + plane_map[:, 2])
    offset = np.array(ink.size) / 2 - back @ centre
    large = ink.transform(
        (SIDE * OVERSAMPLING, SIDE * OVERSAMPLING),
        Image.Transform.AFFINE,
        (*back[0], offset[0], *back[1], offset[1]),
        Image.Resampling.BILINEAR,
    )
    blocks = np.asarray(large, np.float32).reshape(SIDE, OVERSAMPLING, SIDE, OVERSAMPLING)
    grey: NDArray[np.float32] = blocks.mean(axis=(1, 3)) / np.float32(255)
    return grey


@dataclass(frozen=True)
class Difference:
    """How a fresh rendering differs from the shipped set."""

    missing_classes: tuple[str, ...]
    added_classes: tuple[str, ...]
    same_instances: bool
    pixels: int
    differing_pixels: int | None

    @property
    def same_set(self) -> bool:
        """Whether both have the same classes and styles, whatever their pixels."""
        return not self.missing_classes and not self.added_classes and self.same_instances

    def __str__(self) -> str:
        if self.missing_classes or self.added_classes:
            return (
                f"the sets of classes differ: {len(self.missing_classes)} not rendered now "
                f"({''.join(self.missing_classes)}), {len(self.added_classes)} not shipped "
                f"({''.join(self.added_classes)})"
            )
        if self.differing_pixels is None:
            return "the classes agree, but the styles of some differ"
        return (
            f"the classes agree; {self.differing_pixels} of {self.pixels} pixels differ "
            f"({self.differing_pixels / self.pixels:.4%})"
        )


def compare(fresh: Rendering, shipped: glyphs.GlyphSet) -> Difference:
    """Compare a fresh rendering with the shipped set, pixel by pixel where the classes agree."""
    ours, theirs = list(map(chr, fresh.code_points)), list(shipped.classes)
    same_instances = (
        ours == theirs
        and fresh.counts.tolist() == shipped.counts.tolist()
        and fresh.styles.tolist() == list(shipped.styles)
    )
    differing = None
    if same_instances:
        levels = np.rint(shipped.images * glyphs.LEVELS)
        differing = int(np.count_nonzero(fresh.images != levels))
    return Difference(
        missing_classes=tuple(one for one in theirs if one not in ours),
        added_classes=tuple(one for one in ours if one not in theirs),
        same_instances=same_instances,
        pixels=shipped.images.size,
        differing_pixels=differing,
    )


def sha256(path: Path) -> str:
    """Return the hash of a file, as `suites.glyphs` records it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Render the set, and write it or compare it."""
    parser = argparse.ArgumentParser(prog="python -m suites.glyphs_render")
    parser.add_argument("--check", action="store_true", help="compare with the shipped file")
    check = parser.parse_args(arguments).check
    try:
        if check:
            shipped = glyphs.load()
            difference = compare(render(), shipped)
            print(f"shipped: {shipped.made_with}; now: {_made_with()}")
            print(difference)
            return 0 if difference.same_set else 1
        render().write(glyphs.PATH)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"wrote {glyphs.PATH.name}; set SHA256 in suites/glyphs.py to {sha256(glyphs.PATH)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
