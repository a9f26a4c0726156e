"""The page's process has imported what the first view needs before anybody looks at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.ui.fake_service import FakeService
from ui.supervisor import page_command

ROOT = Path(__file__).parents[2]
FIRST_VIEW = """
import sys
from ui.page import prepare

prepare()
from streamlit.testing.v1 import AppTest  # what only a test needs

before = set(sys.modules)
page = AppTest.from_file("ROOT/ui/app.py", default_timeout=60).run()
assert [title.value for title in page.title] == ["What do you want to know?"]
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_the_first_view_imports_nothing_big_any_more() -> None:
    with FakeService() as service:
        run = subprocess.run(
            [sys.executable, "-", "--service", service.url],
            input=FIRST_VIEW.replace("ROOT", str(ROOT)),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    late = set(run.stdout.split())
    assert "ui" in late  # it was drawn in that process
    assert not late & {"httpx", "numpy", "pandas", "pyarrow", "pydantic"}


def test_the_page_is_started_with_its_service() -> None:
    command = page_command("http://127.0.0.1:8700", "127.0.0.1", 8701)
    assert command[command.index("-m") + 1] == "ui.page"
    assert command[-2:] == ["--service", "http://127.0.0.1:8700"]
    assert "--browser.gatherUsageStats=false" in command
