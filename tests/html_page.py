"""A page as it is read, for what tests want of it."""

import json
from html.parser import HTMLParser

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Headings, figures, links, data and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.figures, self.links, self.ids = [], [], [], [], []
        self.scripts, self.data = [], {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.links += [given[name] for name in ("src", "href", "xlink:href") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if given.get("role") == "img":
            self.figures.append(given["aria-label"])
        if tag == "script":
            self.scripts.append(given.get("id") or (self.figures[-1] if "type" in given else "page.js"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_data(self, text):
        if self.open and self.open[-1] == "script" and self.scripts[-1] != "page.js":
            self.data[self.scripts[-1]] = json.loads(text)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
