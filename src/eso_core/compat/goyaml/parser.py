"""From tokens to nodes (source: go-yaml v2.4 ``parserc.go``, and the tree that ``decode.go`` makes of its events).

Only the first document is read, and the token behind it. The tree is written while it is parsed: an anchor is known inside its own node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from eso_core.compat.goyaml import scanner as t
from eso_core.compat.goyaml.fault import Refused
from eso_core.compat.goyaml.reader import source
from eso_core.compat.goyaml.scanner import Scanner, Token

DEPTH_MAX = 100  # levels of collections; the library has 10,000
NODES_MAX = 50_000  # of one document; the library has no bound
PREFIX = "tag:yaml.org,2002:"  # of the tags that are written with !!

_DOCUMENT = frozenset((t.VERSION, t.TAG_DIRECTIVE, t.DOCUMENT_START, t.DOCUMENT_END, t.STREAM_END))
_OPENING = frozenset((t.VERSION, t.TAG_DIRECTIVE, t.DOCUMENT_START))
_ENDS_ITEM = frozenset((t.ENTRY, t.BLOCK_END))
_ENDS_VALUE = frozenset((t.KEY, t.VALUE, t.BLOCK_END))
_ENDS_INDENTLESS = frozenset((t.ENTRY, t.KEY, t.VALUE, t.BLOCK_END))
_ENDS_PAIR_KEY = frozenset((t.VALUE, t.FLOW_ENTRY, t.FLOW_SEQUENCE_END))
_ENDS_PAIR_VALUE = frozenset((t.FLOW_ENTRY, t.FLOW_SEQUENCE_END))
_ENDS_FLOW_KEY = frozenset((t.VALUE, t.FLOW_ENTRY, t.FLOW_MAPPING_END))
_ENDS_FLOW_VALUE = frozenset((t.FLOW_ENTRY, t.FLOW_MAPPING_END))


class Scalar:
    """``implicit``: plain and without a tag, or with the tag ``!``."""

    __slots__ = ("implicit", "tag", "value")

    def __init__(self, value: str, tag: str, implicit: bool) -> None:
        self.value, self.tag, self.implicit = value, tag, implicit


class Sequence:
    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[Node] = []


class Mapping:
    """``items``: keys and values by turns."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[Node] = []


class Alias:
    __slots__ = ("name", "node")

    def __init__(self, name: str, node: Node) -> None:
        self.name, self.node = name, node


Node: TypeAlias = Scalar | Sequence | Mapping | Alias
_Collection: TypeAlias = Sequence | Mapping
_Fill: TypeAlias = Callable[[list[Node]], None]


def compose(data: bytes) -> Node | None:
    """The root of the first document; ``None`` where there is none. Raises :class:`Refused`."""
    return _Parser(data or b"\n").document()


class _Parser:
    def __init__(self, data: bytes) -> None:
        self.scan = Scanner(source(data))
        self.anchors: dict[str, Node] = {}
        self.handles: dict[str, str] = {}
        self.depth = self.count = 0

    def _fail(self, what: str, token: Token) -> Refused:
        """The library counts lines from 1 in the scanner, and from 0 here; it shows none where that is 0."""
        return Refused(f"line {token.line}: {what}" if token.line else what)

    def document(self) -> Node | None:
        token = self.scan.peek()
        if token.kind == t.STREAM_END:
            return None
        explicit = token.kind in _OPENING
        self._directives()
        if explicit:
            token = self.scan.peek()
            if token.kind != t.DOCUMENT_START:
                raise self._fail("did not find expected <document start>", token)
            self.scan.skip()
        empty = explicit and self.scan.peek().kind in _DOCUMENT
        root = self._empty() if empty else self._node(block=True)
        self.scan.peek()
        return root

    def _directives(self) -> None:
        versions = 0
        while (token := self.scan.peek()).kind in (t.VERSION, t.TAG_DIRECTIVE):
            if token.kind == t.VERSION:
                versions += 1
                if versions > 1:
                    raise self._fail("found duplicate %YAML directive", token)
                if token.value != "1.1":
                    raise self._fail("found incompatible YAML document", token)
            elif token.value in self.handles:
                raise self._fail("found duplicate %TAG directive", token)
            else:
                self.handles[token.value] = token.suffix
            self.scan.skip()
        self.handles = {"!": "!", "!!": PREFIX} | self.handles

    def _empty(self) -> Scalar:
        self.count += 1
        return Scalar("", "", True)

    def _node(self, block: bool = False, indentless: bool = False) -> Node:
        scan = self.scan
        token = scan.peek()
        self.count += 1
        if self.count > NODES_MAX:
            raise Refused(f"document has more than {NODES_MAX} nodes")
        if token.kind == t.SCALAR:
            scan.skip()
            return Scalar(token.value, "", token.plain)
        if token.kind == t.ALIAS:
            return self._alias(token)
        anchor, tag = self._properties(token) if token.kind in (t.ANCHOR, t.TAG) else ("", "")
        token = scan.peek()
        if token.kind == t.SCALAR:
            scan.skip()
            scalar = Scalar(token.value, tag, tag == "!" or (not tag and token.plain))
            return self._anchored(anchor, scalar)
        if indentless and token.kind == t.ENTRY:
            return self._collection(anchor, Sequence(), self._indentless_sequence)
        if token.kind == t.FLOW_SEQUENCE_START:
            return self._collection(anchor, Sequence(), self._flow_sequence)
        if token.kind == t.FLOW_MAPPING_START:
            return self._collection(anchor, Mapping(), self._flow_mapping)
        if block and token.kind == t.SEQUENCE_START:
            return self._collection(anchor, Sequence(), self._block_sequence)
        if block and token.kind == t.MAPPING_START:
            return self._collection(anchor, Mapping(), self._block_mapping)
        if anchor or tag:
            return self._anchored(anchor, Scalar("", tag, not tag))
        raise self._fail("did not find expected node content", token)

    def _alias(self, token: Token) -> Alias:
        self.scan.skip()
        node = self.anchors.get(token.value)
        if node is None:
            raise Refused("unknown anchor", f" '{token.value}' referenced")
        return Alias(token.value, node)

    def _properties(self, token: Token) -> tuple[str, str]:
        """The anchor and the tag: at most one of each, in any order."""
        scan, anchor, found = self.scan, "", None
        if token.kind == t.ANCHOR:
            anchor = token.value
            scan.skip()
            token = scan.peek()
            if token.kind == t.TAG:
                found = token
                scan.skip()
        else:
            found = token
            scan.skip()
            token = scan.peek()
            if token.kind == t.ANCHOR:
                anchor = token.value
                scan.skip()
        if found is None:
            return anchor, ""
        scan.peek()
        if not found.value:
            return anchor, found.suffix
        tag = self.handles[found.value] + found.suffix if found.value in self.handles else ""
        if not tag:
            raise self._fail("found undefined tag handle", found)
        return anchor, tag

    def _anchored(self, anchor: str, node: Scalar) -> Scalar:
        if anchor:
            self.anchors[anchor] = node
        return node

    def _collection(self, anchor: str, node: _Collection, fill: _Fill) -> _Collection:
        if anchor:
            self.anchors[anchor] = node
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise Refused(f"exceeded max depth of {DEPTH_MAX}")
        fill(node.items)
        self.depth -= 1
        return node

    def _block_sequence(self, items: list[Node]) -> None:
        self.scan.skip()
        while (token := self.scan.peek()).kind == t.ENTRY:
            self.scan.skip()
            items.append(self._empty() if self.scan.peek().kind in _ENDS_ITEM else self._node(block=True))
        if token.kind != t.BLOCK_END:
            raise self._fail("did not find expected '-' indicator", token)
        self.scan.skip()

    def _indentless_sequence(self, items: list[Node]) -> None:
        while self.scan.peek().kind == t.ENTRY:
            self.scan.skip()
            items.append(self._empty() if self.scan.peek().kind in _ENDS_INDENTLESS else self._node(block=True))

    def _block_mapping(self, items: list[Node]) -> None:
        scan = self.scan
        scan.skip()
        while (token := scan.peek()).kind == t.KEY:
            scan.skip()
            items.append(self._empty() if scan.peek().kind in _ENDS_VALUE else self._node(block=True, indentless=True))
            items.append(self._value(_ENDS_VALUE, block=True))
        if token.kind != t.BLOCK_END:
            raise self._fail("did not find expected key", token)
        scan.skip()

    def _value(self, ends: frozenset[int], block: bool) -> Node:
        """What follows a key."""
        if self.scan.peek().kind == t.VALUE:
            self.scan.skip()
            if self.scan.peek().kind not in ends:
                return self._node(block=block, indentless=block)
        return self._empty()

    def _flow_sequence(self, items: list[Node]) -> None:
        scan = self.scan
        scan.skip()
        while (token := scan.peek()).kind != t.FLOW_SEQUENCE_END:
            if items:
                if token.kind != t.FLOW_ENTRY:
                    raise self._fail("did not find expected ',' or ']'", token)
                scan.skip()
                token = scan.peek()
            if token.kind == t.KEY:
                items.append(self._pair())
            elif token.kind != t.FLOW_SEQUENCE_END:
                items.append(self._node())
            else:
                break
        scan.skip()

    def _pair(self) -> Mapping:
        """A mapping with one key, without braces. The token behind an empty key is lost, as in the library."""
        self.scan.skip()
        node = Mapping()
        if self.scan.peek().kind in _ENDS_PAIR_KEY:
            self.scan.skip()
            node.items.append(self._empty())
        else:
            node.items.append(self._node())
        node.items.append(self._value(_ENDS_PAIR_VALUE, block=False))
        return node

    def _flow_mapping(self, items: list[Node]) -> None:
        scan = self.scan
        scan.skip()
        while (token := scan.peek()).kind != t.FLOW_MAPPING_END:
            if items:
                if token.kind != t.FLOW_ENTRY:
                    raise self._fail("did not find expected ',' or '}'", token)
                scan.skip()
                token = scan.peek()
            if token.kind == t.KEY:
                scan.skip()
                items.append(self._empty() if scan.peek().kind in _ENDS_FLOW_KEY else self._node())
                items.append(self._value(_ENDS_FLOW_VALUE, block=False))
            elif token.kind != t.FLOW_MAPPING_END:
                items.append(self._node())
                scan.peek()
                items.append(self._empty())
            else:
                break
        scan.skip()
