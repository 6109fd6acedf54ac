"""Hooks of the book (mkdocs.yml): anchors and links for rules, links that leave docs/, the list of decisions.

The pages themselves stay plain Markdown that reads well without the book.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULE = re.compile(r"^- \*\*(R\d+)\*\*", re.MULTILINE)
MENTION = re.compile(r"(?<![\w`\[#/-])R(\d+)(?![\w`\]-])")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"(-|\d+\.) ")
UNLISTED = "decisions/"


def on_config(config):
    """Lists the page of error codes after the commands, once there is one."""
    if (ROOT / "docs/errors.md").exists():
        reference = next(section["Reference"] for section in config.nav if "Reference" in section)
        if {"Errors": "errors.md"} not in reference:
            reference.insert(2, {"Errors": "errors.md"})
    return config


def on_files(files, config):
    """Lets pages stand outside the nav that are listed elsewhere: decisions are, on a page of their own."""
    from mkdocs.structure.files import InclusionLevel

    for file in files.documentation_pages():
        if file.src_uri.startswith(UNLISTED) and file.src_uri != "decisions/README.md":
            file.inclusion = InclusionLevel.NOT_IN_NAV
    return files


def on_page_markdown(markdown, page, config, files):
    here = page.file.src_uri
    if here == "decisions/README.md":
        markdown += "\n\n" + decisions()
    parts = FENCE.split(markdown)
    parts[::2] = [prose(part, here) for part in parts[::2]]
    return "".join(parts)


def prose(text, here):
    text = lists(text)
    if here == "rules.md":
        text = RULE.sub(lambda m: f'- <a id="{m[1].lower()}"></a>**{m[1]}**'.replace(m[1] + "**", "\0" + m[1][1:] + "**"), text)
    rules = ("../" * here.count("/")) + ("" if here == "rules.md" else "rules.md")
    text = "\n".join(line if line.startswith("#") else mentions(line, rules) for line in text.split("\n"))
    text = text.replace("\0", "R")
    return LINK.sub(lambda m: outside(m, here), text)


def lists(text):
    """Writes lists as this Markdown wants them: what belongs to an item is four columns in, an item below that one eight,
    and a blank line parts a list from the paragraph above it. Elsewhere two columns, four, and no blank line are enough."""
    written, start, narrow = [], None, False
    for line in text.split("\n"):
        if ITEM.match(line.lstrip()) and re.match(r"^ {0,3}\S", line):
            narrow = line.startswith("  ")
        elif narrow and re.match(r"^ {4,5}(-|\d+\.) ", line):
            line = "        " + line.lstrip()
        if not line.strip():
            start = None
        elif start is None:
            start = line
        elif ITEM.match(line) and not ITEM.match(start):
            written.append("")
            start = line
        written.append(re.sub(r"^ {2,3}(?=\S)", "    ", line))
    return "\n".join(written)


def mentions(line, rules):
    """Links each mention of a rule, except in code and in the text of a link."""
    parts = re.split(r"(`+[^`]*`+|\[[^\]]*\]\([^)]*\))", line)
    parts[::2] = [MENTION.sub(rf"[R\1]({rules}#r\1)", part) for part in parts[::2]]
    return "".join(parts)


def outside(match, here):
    """A link to a file of the repository outside docs/ is its path: the book does not know where the code is hosted."""
    target = match[3].split("#")[0]
    if not target or "://" in target:
        return match[0]
    path = (ROOT / "docs" / here).parent.joinpath(target).resolve()
    if path.is_relative_to(ROOT / "docs") or not path.exists():
        return match[0]
    return match[2] if match[2].startswith("`") else f"{match[2]} (`{path.relative_to(ROOT)}`)"


def decisions():
    rows = []
    for path in sorted((ROOT / "docs/decisions").glob("*.md"), key=lambda p: (not p.name[0].isdigit(), p.name)):
        if path.name == "README.md":
            continue
        title = path.read_text(encoding="utf-8").split("\n", 1)[0].lstrip("# ")
        title = re.sub(r"^\d{4}-\d\d-\d\d: | \(\d{4}-\d\d-\d\d\)$", "", title)
        title = title[:1].upper() + title[1:]
        date = path.name[:10] if path.name[0].isdigit() else ""
        rows.append(f"| {date} | [{title}]({path.name}) |")
    return "| date | decision |\n|---|---|\n" + "\n".join(rows) + "\n"
