"""An instrument for claims about accelerated meta-learning."""

from __future__ import annotations

__version__ = "0.1.0"
