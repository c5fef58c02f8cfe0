"""Names dead links between the pages of this repository, without a network: python -m tools.check_links"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parent.parent
NOT_OURS = {"results", "site", "build", "dist"}  # nor what begins with a dot

CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|<(?:a href|img src)=\"([^\"]+)\"")
ANCHOR = re.compile(r"<a id=\"([^\"]+)\"|^#+ +(.+?) *$", re.MULTILINE)


def pages(root):
    """The Markdown files below `root` that are ours, sorted."""
    folders = [path for path in root.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in NOT_OURS]
    return sorted([*root.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))])


def links(page):
    """[(line, target)] of the links of a page, those to other hosts left out."""
    text = CODE.sub(lambda code: "\n" * code[0].count("\n"), page.read_text(encoding="utf-8"))
    found = [(text.count("\n", 0, link.start()) + 1, link[1] or link[2]) for link in LINK.finditer(text)]
    return [(line, target) for line, target in found if not re.match(r"[a-z]+:", target)]


def linked_files(page):
    """Paths of the files that a page links to."""
    found = {(page.parent / unquote(target).partition("#")[0]).resolve() for _, target in links(page)}
    return {path for path in found if path.is_file()}


def dead_links(page, root):
    """["page:line: target: what is wrong"] of the links of a page that lead to no file or heading below `root`."""
    wrong = [(line, target, fault(page, unquote(target), root)) for line, target in links(page)]
    return [f"{page.relative_to(root)}:{line}: {target}: {what}" for line, target, what in wrong if what]


def fault(page, target, root):
    """What is wrong with the target of a link, "" if nothing is."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return "no such file"
    if not file.is_relative_to(root.resolve()):
        return "outside the repository"
    return "no such heading" if anchor and anchor not in anchors(file) else ""


def anchors(page):
    """What a link into a page may name: its own anchors, and its headings as hosts of repositories spell them."""
    text = CODE.sub(lambda code: code[0].strip("`") if code[0][:3] != "```" else "", page.read_text(encoding="utf-8"))
    return {name or re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for name, heading in ANCHOR.findall(text)}


if __name__ == "__main__":
    dead = [line for page in pages(ROOT) for line in dead_links(page, ROOT)]
    sys.exit("\n".join(dead) or None)
