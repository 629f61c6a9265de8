"""A real browser to test pages in: Chromium without a window, driven through chromedriver by plain HTTP."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_QUIET = ("headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
          "disable-component-update", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars")


class Browser:
    """One window."""

    def __init__(self, port: str, folder: str) -> None:
        self._address = f"http://127.0.0.1:{port}/session"
        options = {"args": [f"--{flag}" for flag in _QUIET] + [f"--user-data-dir={folder}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self._address += "/" + self._send("", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def _send(self, path: str, body: dict[str, Any] | None, method: str = "POST") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path) -> None:
        self._send("/url", {"url": page.as_uri()})

    def run(self, script: str) -> Any:
        """What a script returns; one that returns a promise is waited for."""
        return self._send("/execute/sync", {"script": script, "args": []})

    def emulate(self, width: int, height: int = 900, *, dark: bool = False, media: str = "") -> None:
        """Another window size, colour scheme or medium, for what is opened or drawn from now on."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._command("Emulation.setDeviceMetricsOverride", size)
        self._command("Emulation.setEmulatedMedia", {"media": media, "features": scheme})

    def _command(self, name: str, values: dict[str, Any]) -> Any:
        return self._send("/goog/cdp/execute", {"cmd": name, "params": values})

    def print(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self._send("/print", {"background": True}))

    def log(self) -> list[str]:
        """What the console was told since the last call."""
        return [entry["message"] for entry in self._send("/se/log", {"type": "browser"})]

    def requested(self) -> set[str]:
        """The addresses that were asked for since the last call, but the page itself, data within it and the browser's own."""
        events = [json.loads(entry["message"])["message"] for entry in self._send("/se/log", {"type": "performance"})]
        asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
        return {url for url in asked if not url.startswith(("file:", "data:", "chrome:", "about:"))}

    def close(self) -> None:
        self._send("", None, "DELETE")


@contextlib.contextmanager
def opened() -> Iterator[Browser]:
    """A browser; the test is skipped where Chromium is not installed."""
    if not (shutil.which("chromedriver") and (shutil.which("chromium") or shutil.which("google-chrome"))):
        pytest.skip("no browser here: chromium and chromedriver are not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = ["chromedriver", "--port=0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver:
            try:
                said = next(line for line in driver.stdout or () if "started successfully on port" in line)
                browser = Browser(said.strip().rstrip(".").rsplit(" ", 1)[1], folder)
                yield browser
                browser.close()
            finally:
                driver.terminate()
