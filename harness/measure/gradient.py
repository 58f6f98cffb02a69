"""A gradient in few numbers, where the gates of every version look for it."""

from __future__ import annotations

from harness.gate.gradient_sketch import sketch

__all__ = ["sketch"]
