# SPDX-License-Identifier: LGPL-2.1-or-later
"""The README's recipes. The second word after the ``` of a block says where its lines are run."""

import re
from pathlib import Path

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text()


def recipe(where):
    """The text of the README's only block for this place: "package", "install", "cmdline", "guest", "unit" or "host"."""
    [text] = re.findall(rf"^```\w+ {where}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return text


def sections(page):
    """By heading of a page the blocks below it: the language, the word behind that, and the text."""
    parts = re.split(r"^## (.*)\n", page.read_text(), flags=re.MULTILINE)[1:]
    return {heading: re.findall(r"^```(\w+) ?(.*)\n((?s:.*?))^```$", text, re.MULTILINE) for heading, text in zip(parts[::2], parts[1::2])}


def console(text):
    """Each command of a console block, with the output below it."""
    return [part.split("\n", 1) for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]


def troubleshooting():
    """The first command of each row."""
    text = README.partition("## Troubleshooting")[2].partition("\n## ")[0]
    return [row.split(" | ")[1].split("`")[1].replace(r"\|", "|") for row in text.splitlines()[4:] if row.startswith("| ")]
