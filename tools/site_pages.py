"""What mkdocs.yml cannot say: the pages of the site lie in several folders, and formulas become MathML.

MathML is drawn by the browser itself, so a page needs no script for it and asks no other host.
"""

import ast
import re
from html import unescape

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

from tools.check_links import ROOT, linked_files, pages

ROOM = re.compile(r"^(\w+) {2,}(.*)", re.MULTILINE)
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def rooms():
    """{room of the engine: what it is}, from the list in engine/__init__.py."""
    return dict(ROOM.findall(ast.get_docstring(ast.parse((ROOT / "engine/__init__.py").read_text(encoding="utf-8")))))


def on_config(config):
    """The rooms of the engine come last in the navigation."""
    config.nav.append({"Engine": [{room: f"engine/{room}.md"} for room in rooms()]})
    return config


def on_files(files, config):
    """The pages of the repository and the files that they link to, and a page of docstrings for each room."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    found = pages(ROOT)
    found += sorted({file for page in found for file in linked_files(page) if file.suffix != ".md"})
    paths = [str(path.relative_to(ROOT)) for path in found]
    ours = [File(path, str(ROOT), config.site_dir, config.use_directory_urls) for path in paths]
    engine = [File.generated(config, f"engine/{room}.md", content=page(room, what)) for room, what in rooms().items()]
    return Files([*theme, *ours, *engine])


def page(room, what):
    """Markdown that shows the docstrings of a room."""
    modules = sorted(path.stem for path in (ROOT / "engine" / room).glob("*.py") if path.stem != "__init__")
    return f"# {room}\n\n{what}\n\n" + "\n".join(f"::: engine.{room}.{module}\n" for module in modules)


def on_page_content(html, page, config, files):
    """Formulas as MathML; ValueError names one that is not understood."""
    return FORMULA.sub(lambda found: mathml(unescape(found[2]), "block" if found[1] == "div" else "inline"), html)


def mathml(latex, display):
    made = convert(latex, display=display)
    if "\\" in made:  # a command that latex2mathml does not know stays as it is
        raise ValueError(f"no MathML for the formula {latex}")
    return made
