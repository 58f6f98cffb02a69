"""The glyph set is the one that was measured, reads quickly and is sampled fairly."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from harness.errors import HarnessError, UnknownName, UsageError
from suites import glyphs, glyphs_render

SPLITS = ("train", "valid", "test")


@pytest.fixture(scope="module")
def shipped() -> glyphs.GlyphSet:
    return glyphs.load()


@pytest.fixture
def few() -> glyphs_render.Rendering:
    levels = np.arange(3 * 28 * 28).reshape(3, 28, 28) % (glyphs.LEVELS + 1)
    return glyphs_render.Rendering(
        code_points=np.array([ord("a"), ord("b")], np.uint32),
        scripts=np.array(["latin", "latin"]),
        counts=np.array([1, 2], np.uint8),
        styles=np.array(["Serif", "Mono", "Serif"]),
        images=levels.astype(np.uint8),
    )


def as_set(rendering: glyphs_render.Rendering, path: Path) -> glyphs.GlyphSet:
    rendering.write(path)
    return glyphs.read(path, glyphs_render.sha256(path))


def centroid_accuracy(split: glyphs.GlyphSplit, ways: int, shots: int) -> float:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(ways), 5)
    right = []
    for _ in range(300):
        pixels = split.sample(rng, ways, shots + 5).reshape(ways, shots + 5, -1)
        centroids = pixels[:, :shots].mean(axis=1)
        queries = pixels[:, shots:].reshape(ways * 5, -1)
        distance = (centroids**2).sum(axis=1) - 2 * queries @ centroids.T
        right.append((distance.argmin(axis=1) == truth).mean())
    return float(np.mean(right))


def test_the_shipped_file_has_the_recorded_hash() -> None:
    assert glyphs_render.sha256(glyphs.PATH) == glyphs.SHA256


def test_load_reads_the_file_once(shipped: glyphs.GlyphSet) -> None:
    assert glyphs.load() is shipped


def test_a_changed_byte_is_reported_as_damage(tmp_path: Path) -> None:
    content = bytearray(glyphs.PATH.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "glyphs.npz"
    damaged.write_bytes(content)
    with pytest.raises(HarnessError, match="is damaged: its sha256 is .* install"):
        glyphs.read(damaged, glyphs.SHA256)


def test_a_missing_file_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be read .* install it again"):
        glyphs.read(tmp_path / "absent.npz", glyphs.SHA256)


def test_reading_needs_neither_torch_nor_a_font_library() -> None:
    program = (
        "import sys, suites.glyphs as g; g.load(); "
        "print(*{'torch', 'PIL', 'matplotlib', 'fontTools'} & set(sys.modules))"
    )
    root = Path(glyphs.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_images_are_ink_one_on_background_zero(shipped: glyphs.GlyphSet) -> None:
    assert shipped.images.dtype == np.float32
    assert shipped.images.shape == (shipped.counts.sum(), 28, 28)
    assert (shipped.images.min(), shipped.images.max()) == (0, 1)
    assert shipped.images[:, 0, 0].mean() < 0.05 < shipped.images[:, 14, 14].mean()
    assert shipped.images.any(axis=(1, 2)).all()


def test_shared_images_cannot_be_changed_but_samples_can(shipped: glyphs.GlyphSet) -> None:
    split = shipped.split("test")
    with pytest.raises(ValueError, match="read-only"):
        split.instances(0)[:] = 0
    before = split.instances(0).copy()
    split.sample(np.random.default_rng(0), len(split.classes), 1)[:] = 0.5
    assert np.array_equal(split.instances(0), before)


@pytest.mark.parametrize(("name", "classes"), [("train", 726), ("valid", 118), ("test", 329)])
def test_each_split_has_its_classes_of_12_to_16_instances(
    shipped: glyphs.GlyphSet, name: str, classes: int
) -> None:
    split = shipped.split(name)
    assert split.name == name
    assert len(split.classes) == len(split.scripts) == len(split.counts) == classes
    assert set(split.counts) <= set(range(12, 17))
    assert split.counts.sum() == len(split.images)
    assert all(len(split.instances(index)) == split.counts[index] for index in range(classes))


def test_a_class_is_its_character_in_its_typefaces(shipped: glyphs.GlyphSet) -> None:
    split = shipped.split("test")
    start = shipped.classes.index(split.classes[0])
    first = shipped.counts[:start].sum()
    own = slice(first, first + split.counts[0])
    assert np.array_equal(split.instances(0), shipped.images[own])
    assert len(set(shipped.styles[own])) == split.counts[0]


def test_splits_are_disjoint_by_script(shipped: glyphs.GlyphSet) -> None:
    allowed = {
        "train": {"DIGIT", "LATIN"},
        "valid": {"CYRILLIC"},
        "test": {"GREEK", "ARMENIAN", "GEORGIAN"},
    }
    for name in SPLITS:
        found = {unicodedata.name(one).split()[0] for one in shipped.split(name).classes}
        assert found == allowed[name]


def test_every_class_is_in_exactly_one_split(shipped: glyphs.GlyphSet) -> None:
    of_splits = [one for name in SPLITS for one in shipped.split(name).classes]
    assert len(set(of_splits)) == len(of_splits)
    assert sorted(of_splits) == sorted(shipped.classes)


def test_homoglyphs_of_training_classes_are_not_held_out(shipped: glyphs.GlyphSet) -> None:
    latin, cyrillic, greek = (
        unicodedata.lookup(f"{script} CAPITAL LETTER {name}")
        for script, name in (("LATIN", "H"), ("CYRILLIC", "EN"), ("GREEK", "ETA"))
    )
    assert latin in shipped.split("train").classes
    assert cyrillic not in shipped.classes
    assert greek not in shipped.classes


def test_an_unknown_split_names_the_nearest(shipped: glyphs.GlyphSet) -> None:
    with pytest.raises(UnknownName, match="'tset' .did you mean 'test'.*test, train, valid"):
        shipped.split("tset")


def test_a_sample_depends_on_its_generator_alone(shipped: glyphs.GlyphSet) -> None:
    split = shipped.split("train")
    one, same, other = (split.sample(np.random.default_rng(seed), 5, 6) for seed in (3, 3, 4))
    assert one.shape == (5, 6, 28, 28)
    assert one.dtype == np.float32
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_sample_repeats_no_class_and_no_instance(shipped: glyphs.GlyphSet) -> None:
    split = shipped.split("test")
    class_of = {
        image.tobytes(): index
        for index in range(len(split.classes))
        for image in split.instances(index)
    }
    assert len(class_of) == len(split.images)
    rng = np.random.default_rng(0)
    for _ in range(20):
        task = split.sample(rng, 20, 12)
        rows = [{class_of[image.tobytes()] for image in row} for row in task]
        assert all(len(row) == 1 for row in rows)
        assert len(set.union(*rows)) == 20
        images = {image.tobytes() for row in task for image in row}
        assert len(images) == 240


def test_every_instance_is_drawn_sooner_or_later(shipped: glyphs.GlyphSet) -> None:
    split = shipped.split("valid")
    rng = np.random.default_rng(0)
    seen = {
        image.tobytes()
        for _ in range(30)
        for row in split.sample(rng, len(split.classes), 12)
        for image in row
    }
    assert seen == {image.tobytes() for image in split.images}


@pytest.mark.parametrize(
    ("ways", "instances", "message"),
    [
        (0, 1, "0 ways .* choose 1 to 118"),
        (119, 1, "119 ways .* choose 1 to 118"),
        (5, 0, "0 instances .* choose 1 to 12"),
        (5, 13, "13 instances .* choose 1 to 12"),
    ],
)
def test_an_impossible_task_is_refused(
    shipped: glyphs.GlyphSet, ways: int, instances: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        shipped.split("valid").sample(np.random.default_rng(0), ways, instances)


@pytest.mark.parametrize(
    ("ways", "shots", "expected"), [(5, 1, 0.48), (5, 5, 0.72), (20, 1, 0.27), (20, 5, 0.48)]
)
def test_pixels_alone_classify_about_as_well_as_on_omniglot(
    shipped: glyphs.GlyphSet, ways: int, shots: int, expected: float
) -> None:
    accuracy = centroid_accuracy(shipped.split("test"), ways, shots)
    assert accuracy == pytest.approx(expected, abs=0.03)


def test_ink_fills_24_pixels_in_the_middle() -> None:
    ink = Image.new("L", (50, 98))
    ink.paste(255, (1, 1, 49, 97))
    drawn = glyphs_render.draw(ink)
    rows, columns = np.flatnonzero(drawn[:, 14] > 0.5), np.flatnonzero(drawn[14] > 0.5)
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (2, 25, 8, 19)
    assert drawn.sum() == pytest.approx(24 * 12, rel=0.01)


def test_a_plane_map_moves_right_and_down_and_scales() -> None:
    ink = Image.new("L", (26, 26))
    ink.paste(255, (1, 1, 25, 25))
    drawn = glyphs_render.draw(ink, np.array([[0.5, 0.0, 2.0], [0.0, 0.25, 4.0]]))
    rows, columns = np.flatnonzero(drawn[:, 16] > 0.5), np.flatnonzero(drawn[18] > 0.5)
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (15, 20, 10, 21)


def test_plane_maps_stay_within_their_bounds_and_use_them() -> None:
    maps = [glyphs_render.affine(chr(code), "S") for code in range(65, 565)]
    found: list[NDArray[np.float64]] = []
    for one in maps:
        angle = np.arctan2(one[1, 0], one[0, 0])
        turned_back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        upright = turned_back @ one[:, :2]
        shear = upright[0, 1] / upright[1, 1]
        found.append(np.array([np.rad2deg(angle), *np.diag(upright), shear, *one[:, 2]]))
    lowest = np.array([-15, 0.75, 0.75, -0.25, -2, -2])
    highest = np.array([15, 1.15, 1.15, 0.25, 2, 2])
    position = (np.array(found) - lowest) / (highest - lowest)
    assert position.min() >= 0
    assert position.max() <= 1
    assert (position.min(axis=0) < 0.05).all()
    assert (position.max(axis=0) > 0.95).all()


def test_what_is_written_is_read_back(few: glyphs_render.Rendering, tmp_path: Path) -> None:
    stored = as_set(few, tmp_path / "few.npz")
    assert stored.classes == ("a", "b")
    assert stored.scripts == ("latin", "latin")
    assert stored.counts.tolist() == [1, 2]
    assert stored.styles == ("Serif", "Mono", "Serif")
    assert np.array_equal(np.rint(stored.images * glyphs.LEVELS), few.images)


def test_writing_twice_gives_the_same_bytes(few: glyphs_render.Rendering, tmp_path: Path) -> None:
    few.write(tmp_path / "one.npz")
    few.write(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_a_comparison_counts_pixels(few: glyphs_render.Rendering, tmp_path: Path) -> None:
    stored = as_set(few, tmp_path / "few.npz")
    few.images[1, 2, :3] ^= 1
    difference = glyphs_render.compare(few, stored)
    assert difference.same_set
    assert (difference.differing_pixels, difference.pixels) == (3, 3 * 28 * 28)


def test_a_comparison_notices_another_style(few: glyphs_render.Rendering, tmp_path: Path) -> None:
    stored = as_set(few, tmp_path / "few.npz")
    few.styles[1] = "Sans"
    difference = glyphs_render.compare(few, stored)
    assert not difference.same_set
    assert difference.differing_pixels is None
    assert "styles" in str(difference)


def test_check_fails_when_the_classes_differ(
    few: glyphs_render.Rendering,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = as_set(few, tmp_path / "few.npz")
    changed = dataclasses.replace(few, code_points=np.array([ord("a"), ord("c")], np.uint32))
    monkeypatch.setattr(glyphs, "load", lambda: stored)
    monkeypatch.setattr(glyphs_render, "render", lambda: changed)
    assert glyphs_render.main(["--check"]) == 1
    assert "1 not rendered now (b), 1 not shipped (c)" in capsys.readouterr().out
    monkeypatch.setattr(glyphs_render, "render", lambda: few)
    assert glyphs_render.main(["--check"]) == 0
    assert "0 of 2352 pixels differ" in capsys.readouterr().out


@pytest.mark.slow
def test_rendering_again_gives_the_shipped_set(shipped: glyphs.GlyphSet) -> None:
    difference = glyphs_render.compare(glyphs_render.render(), shipped)
    assert difference.same_set, str(difference)
    assert difference.differing_pixels is not None
    # Another freetype may shade an edge differently; Pillow 10.0 changes 2 pixels in 10,000.
    assert difference.differing_pixels < 0.005 * difference.pixels
