"""A real browser without a window, for pages; None where Chromium or its driver is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["HEIGHT", "WIDTH", "Browser", "browser", "missing"]

WIDTH, HEIGHT = 1280, 720
"""A projector."""


def missing() -> str | None:
    """What is missing to drive a browser, None if nothing is."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"no {lacking[0]}" if lacking else None


class Browser:
    """Opens pages of `looped view`, and asks them."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, link: str = "") -> None:
        """Open a page at a link, and wait until it shows the run."""
        self.driver.get("about:blank")
        self.driver.get(f"{path.as_uri()}{link}")
        self.wait("document.documentElement.dataset.ready === 'true'")

    def wait(self, condition: str) -> None:
        """Wait until an expression of JavaScript is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, 60, 0.05).until(
            lambda driver: driver.execute_script(f"return {condition}"), condition
        )

    def value(self, expression: str) -> Any:
        """The value of an expression, or of what it promises."""
        script = f"const done = arguments[0]; Promise.resolve({expression}).then(done)"
        return self.driver.execute_async_script(script)

    def go(self, **where: int) -> None:
        """Move to a place, and wait until the page shows it."""
        self.value(f"window.looped.go({where!r})")

    def keys(self, text: str) -> None:
        """Press keys."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(text).perform()
        self.value("window.looped.go({})")

    def text(self, selector: str) -> str:
        """The text of the first element that matches."""
        found: str = self.value(f"document.querySelector({selector!r})?.textContent ?? ''")
        return found

    def errors(self) -> list[str]:
        """What the console has said since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def browser(dark: bool = False) -> Iterator[Browser]:
    """A browser of the size of a projector."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield Browser(driver)
    finally:
        driver.quit()
