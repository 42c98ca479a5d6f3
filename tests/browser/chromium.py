"""A headless Chromium, driven over its debugging pipe: open a file, ask the page, see what it asked for."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

PATIENCE = 120.0
"""How long the browser may say nothing, in seconds."""

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

LOOK_AGAIN = 0.02
"""How long to wait before a page is looked at again, in seconds."""

_LAUNCH = """
import os, sys
ends = [os.dup(int(number)) for number in sys.argv[1:3]]
for number, end in zip((3, 4), ends):
    os.dup2(end, number)
    os.set_inheritable(number, True)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Gives the browser its pipe where it looks for it: file descriptors 3 and 4."""


class BrowserError(Exception):
    """The browser can't be started, or does not do what it is asked."""


class Page:
    """One page of the browser, with everything that happened in it."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a command. Raises BrowserError."""
        return self._browser.call(method, self._session, self.events, **parameters)

    def size(self, width: int, height: int) -> None:
        """Give the page a width and height in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str) -> None:
        """Prefer the colours of ``light`` or ``dark``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, file: Path, fragment: str = "") -> None:
        """Open a file and wait until it is loaded."""
        address = file.resolve().as_uri()
        self.call("Page.navigate", url=address + (f"#{fragment}" if fragment else ""))
        self.until(f"document.readyState === 'complete' && location.href.startsWith({address!r})")

    def run(self, expression: str) -> Any:
        """Return what an expression comes to in the page; promises are awaited. Raises BrowserError."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true in the page, whatever page that is by then. Raises BrowserError."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(BrowserError):
                if self.run(f"Boolean({expression})"):
                    return
            select.select([], [], [], LOOK_AGAIN)
        raise BrowserError(f"never true: {expression}")

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.call("Input.insertText", text=text)

    @property
    def requests(self) -> list[str]:
        """The addresses that the page has asked for, but for itself and for data that it carries."""
        asked = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith(("file:", "data:", "blob:"))]

    @property
    def complaints(self) -> list[str]:
        """What the browser complained of: errors of scripts, violations of the policy."""
        found = [e["params"]["exceptionDetails"] for e in self.events if e["method"] == "Runtime.exceptionThrown"]
        found += [e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded"]
        return [json.dumps(entry) for entry in found]

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write what the page looks like as a PNG file."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(answer["data"]))

    def printed(self, file: Path) -> None:
        """Write what the page looks like on paper as a PDF file."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        file.write_bytes(base64.b64decode(answer["data"]))


class Browser:
    """A running browser."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands, self._answers = commands, answers
        self._number = 0
        self._rest = b""

    def page(self) -> Page:
        """Return a new, empty page."""
        events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", None, events, url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", None, events, targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        return page

    def call(self, method: str, session: str | None, events: list[dict[str, Any]], **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer; what comes before goes to ``events``. Raises BrowserError."""
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = session
        self._commands.write(json.dumps(command).encode() + b"\0")
        self._commands.flush()
        while True:
            message = self._message()
            if message.get("id") == self._number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                events.append(message)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._answers], [], [], PATIENCE)[0]:
                raise BrowserError(f"the browser says nothing for {PATIENCE} s")
            octets = os.read(self._answers.fileno(), 1 << 20)
            if not octets:
                raise BrowserError("the browser has gone")
            self._rest += octets
        whole, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(whole)
        return message


def executable() -> str:
    """Return the path of a Chromium. Raises BrowserError."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise BrowserError(f"no Chromium is installed ({', '.join(NAMES)})")


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Run a browser with its own empty profile; it can reach no host but through a proxy that is not there."""
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", _LAUNCH, str(commands_out), str(answers_in)),
            *(executable(), *OPTIONS, f"--user-data-dir={profile}", "--proxy-server=127.0.0.1:9", "about:blank"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(commands_out, answers_in),
        start_new_session=True,
    )
    os.close(commands_out)
    os.close(answers_in)
    try:
        with os.fdopen(commands_in, "wb") as commands, os.fdopen(answers_out, "rb") as answers:
            found = Browser(commands, answers)
            yield found
            found.call("Browser.close", None, [])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
