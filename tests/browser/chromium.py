"""A headless Chromium without a network, driven over a pipe: open a page, press keys, read what it shows.

No library is needed: the browser speaks JSON, one message after another, on two file descriptors. Whatever
a page asks for, logs or throws is kept, so that a test can say that nothing was requested and nothing
failed.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
}


def find_chromium() -> str | None:
    """Path of the browser: ``SAFEMAP_CHROMIUM``, or the first known name on the path."""
    return os.environ.get("SAFEMAP_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


class Chromium:
    """One browser process; use it as a context manager."""

    def __init__(self, executable: str | None = None) -> None:
        found = executable or find_chromium()
        if found is None:
            raise FileNotFoundError("Chromium was not found; set SAFEMAP_CHROMIUM.")
        self._executable = found
        self._next = 0
        self._buffer = b""
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Chromium:
        self._profile = tempfile.TemporaryDirectory(prefix="safemap-browser-", ignore_cleanup_errors=True)
        read_by_browser, self._write = os.pipe()
        self._read, written_by_browser = os.pipe()
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (read_by_browser, written_by_browser)]
        for fd in (read_by_browser, written_by_browser):
            os.close(fd)

        def place_pipes() -> None:
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        self._process = subprocess.Popen(
            [
                self._executable,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-extensions",
                "--hide-scrollbars",
                "--allow-file-access-from-files",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--proxy-server=127.0.0.1:9",
                f"--user-data-dir={self._profile.name}",
                "--remote-debugging-pipe",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=place_pipes,
            pass_fds=(3, 4),
        )
        for fd in theirs:
            os.close(fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()

    def open(
        self,
        target: Path | str,
        *,
        fragment: str = "",
        width: int = 1366,
        height: int = 768,
        phone: bool = False,
        media: str = "",
        ready: str = "document.documentElement.dataset.safemap === 'ready'",
    ) -> Page:
        """Open a file (or an address) and wait until `ready` is true in it; empty waits for load only."""
        page = Page(self, width=width, height=height, phone=phone, media=media)
        address = target if isinstance(target, str) else target.resolve().as_uri()
        page.go(f"{address}#{fragment}" if fragment else address, ready=ready)
        return page

    def command(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> Any:
        """Send one command of the DevTools protocol and wait for its answer."""
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        wanted = self._next
        deadline = time.monotonic() + 60
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == wanted:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error'].get('message')}")
                return answer.get("result", {})

    def pump(self, seconds: float) -> None:
        """Take in what the browser reports for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._receive(deadline)
            except TimeoutError:
                return

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise TimeoutError("The browser did not answer.")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise RuntimeError("The browser has gone.")
            self._buffer += chunk
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        page = self._pages.get(message.get("sessionId", ""))
        if page is not None and "method" in message:
            page.note(message["method"], message.get("params", {}))
        return message


class Page:
    """One page: what it holds, asked for, logged and threw.

    Attributes
    ----------
    errors : list of str
        Uncaught exceptions and console errors.
    refused : list of str
        What the Content-Security-Policy stopped, and other entries of the security log.
    requests : list of str
        Addresses asked for, other than the page itself and ``data:``.
    """

    def __init__(self, browser: Chromium, *, width: int, height: int, phone: bool, media: str) -> None:
        self._browser = browser
        self.errors: list[str] = []
        self.refused: list[str] = []
        self.requests: list[str] = []
        self._own = ""
        self._asked: dict[str, str] = {}
        target = browser.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = browser.command("Target.attachToTarget", {"targetId": target, "flatten": True})[
            "sessionId"
        ]
        self._target = target
        browser._pages[self._session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")
        self._send(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone},
        )
        if phone:
            self._send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        if media:
            self._send("Emulation.setEmulatedMedia", {"media": media})

    def note(self, method: str, params: dict[str, Any]) -> None:
        """Keep what matters of what the browser reports."""
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Log.entryAdded":
            entry = params["entry"]
            (self.refused if entry["source"] in ("security", "violation") else self.errors).append(
                entry["text"]
            )
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if url.partition("#")[0] != self._own and not url.startswith(("data:", "about:")):
                self.requests.append(url)
                self._asked[params["requestId"]] = url
        elif method == "Network.loadingFailed" and params.get("blockedReason") == "csp":
            url = self._asked.pop(params["requestId"], "")
            if url in self.requests:  # stopped by the page's own policy before it left
                self.requests.remove(url)
                self.refused.append(f"stopped: {url}")

    def go(self, address: str, *, ready: str) -> None:
        self._own = address.partition("#")[0]
        self._send("Page.navigate", {"url": address})
        self.wait(lambda: self.evaluate("document.readyState") == "complete")
        if ready:
            self.wait(lambda: bool(self.evaluate(ready)))
        self._browser.pump(0.15)

    def wait(self, done: Callable[[], bool], *, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"The page did not get there; errors: {self.errors}")
            time.sleep(0.03)

    def evaluate(self, expression: str) -> Any:
        """Value of an expression in the page (plain data only)."""
        answer = self._send(
            "Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True}
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "failed"))
        return answer["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """Text of all elements that match."""
        found: list[str] = self.evaluate(
            f"Array.from(document.querySelectorAll({json.dumps(selector)}), e => e.textContent)"
        )
        return found

    def text(self, selector: str) -> str:
        return self.texts(selector)[0]

    def count(self, selector: str) -> int:
        return int(self.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length"))

    def visible(self, selector: str) -> bool:
        return bool(
            self.evaluate(
                f"(e => !!e && !!e.getClientRects().length)(document.querySelector({json.dumps(selector)}))"
            )
        )

    def click(self, selector: str) -> None:
        """A real click in the middle of an element."""
        x, y = self.evaluate(
            "(e => {e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect();"
            "return [r.left + r.width / 2, r.top + r.height / 2]})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        self.click_at(x, y)

    def click_at(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self._send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **button})

    def move_to(self, x: float, y: float) -> None:
        self._send("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def press(self, *keys: str, shift: bool = False) -> None:
        """Real key strokes, to whatever has the focus."""
        for key in keys:
            code = _KEYS.get(key, ord(key.upper()[0]))
            stroke: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": code}
            if shift:
                stroke["modifiers"] = 8
            if len(key) == 1 or key == "Enter":
                stroke["text"] = "\r" if key == "Enter" else key
            self._send("Input.dispatchKeyEvent", {"type": "keyDown", **stroke})
            stroke.pop("text", None)
            self._send("Input.dispatchKeyEvent", {"type": "keyUp", **stroke})

    def type(self, text: str) -> None:
        self._send("Input.insertText", {"text": text})

    def screenshot(self, path: Path | str) -> Path:
        data = self._send("Page.captureScreenshot", {"format": "png"})["data"]
        Path(path).write_bytes(base64.b64decode(data))
        return Path(path)

    def pdf(self, path: Path | str) -> Path:
        """What the printer gets."""
        options = {"preferCSSPageSize": True, "printBackground": True}
        Path(path).write_bytes(base64.b64decode(self._send("Page.printToPDF", options)["data"]))
        return Path(path)

    def close(self) -> None:
        self._browser.command("Target.closeTarget", {"targetId": self._target})
        self._browser._pages.pop(self._session, None)

    def _send(self, method: str, params: dict[str, Any] | None = None) -> Any:
        return self._browser.command(method, params, self._session)
