"""Dead links are found, and no page has one."""

import subprocess
import sys

import pytest
from house import ROOT

from tools.check_links import dead_links, pages

OTHER = """# A title: `code`, and more

<a id="ELR.S"></a>

## Twice
"""


def test_no_page_has_a_dead_link():
    assert len(pages(ROOT)) > 10
    said = subprocess.run([sys.executable, "-m", "tools.check_links"], cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.fixture
def house(tmp_path):
    """A folder with the page docs/other.txt."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.txt").write_text(OTHER, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "[a page](docs/other.txt), [with dots](docs/../docs/other.txt), [a folder](docs)",
        "[its title](docs/other.txt#a-title-code-and-more) and [a definition](docs/other.txt#ELR.S)",
        "# Here\n[above](#here)",
        "[elsewhere](https://example.org/none) [mail](mailto:a@example.org)",
        "`[code](none.txt)`\n```md\n[code](none.txt)\n```",
    ],
)
def test_a_sound_link_is_not_named(house, text):
    (house / "page.txt").write_text(text, encoding="utf-8")
    assert dead_links(house / "page.txt", house) == []


@pytest.mark.parametrize(
    "target, wrong",
    [
        ("other.txt", "no such file"),
        ("docs/other.txt#thrice", "no such heading"),
        ("#thrice", "no such heading"),
        ("..", "outside the repository"),
    ],
)
@pytest.mark.parametrize("link", ["[text]({})", "![text]({})", '<img src="{}">'])
def test_a_dead_link_is_named_with_its_place(house, link, target, wrong):
    (house / "page.txt").write_text("```\n1\n```\n" + link.format(target), encoding="utf-8")
    assert dead_links(house / "page.txt", house) == [f"page.txt:4: {target}: {wrong}"]
