"""Chromium, driven through its debugging pipe: just enough to look at a page as a reader does."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_S = 60

# The browser listens at descriptor 3 and answers at 4.
START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)


def installed() -> str | None:
    """Return the browser's path, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """A tab. Whatever the browser complains of is kept in `complaints`."""

    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        self._reading, self._writing = reading, writing
        self._number, self._session = 0, ""
        self.complaints: list[str] = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        told = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = told["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def open(self, path: Path) -> None:
        self._ask("Page.navigate", url=path.as_uri())
        self._until("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Evaluate an expression on the page and return its value."""
        told = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def look(self, width: int = 1400, scheme: str = "light", media: str = "screen") -> None:
        """Set the window's width, the colour scheme and the medium."""
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", media=media, features=features)

    def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self._ask("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def printed(self) -> bytes:
        return base64.b64decode(self._ask("Page.printToPDF", preferCSSPageSize=True)["data"])

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        asked: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        self._writing.write(json.dumps(asked).encode() + b"\0")
        self._writing.flush()
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return told["result"]

    def _until(self, event: str) -> None:
        while self._next().get("method") != event:
            pass

    def _next(self) -> Any:
        data = bytearray()
        while (byte := self._reading.read(1)) != b"\0":
            assert byte, "the browser is gone"
            data += byte
        told = json.loads(data)
        if told.get("method") == "Log.entryAdded":
            self.complaints.append(told["params"]["entry"]["text"])
        if told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(told["params"]["exceptionDetails"]))
        return told


@contextmanager
def browsing(path: str, folder: Path) -> Iterator[Page]:
    """Start a browser of its own for a page, and end it."""
    child_reads, writing = os.pipe()
    reading, child_writes = os.pipe()
    options = (
        "--headless",
        "--no-sandbox",  # tests may run as root, where the sandbox refuses to
        "--disable-gpu",
        "--no-first-run",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder}",
        "--remote-debugging-pipe",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(child_reads), str(child_writes), path, *options],
        pass_fds=(child_reads, child_writes),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(child_reads)
    os.close(child_writes)
    with os.fdopen(reading, "rb") as answers, os.fdopen(writing, "wb") as questions:
        try:
            yield Page(answers, questions)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
