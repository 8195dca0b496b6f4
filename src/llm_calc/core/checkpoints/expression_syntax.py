"""The syntax of regular expressions and wildcards over names of modules, as small trees.

What is read: characters, ``.``, classes, groups, alternatives, ``* + ? {m,n}``, ``^``, ``$``, look-aheads. What
would need memory of what was matched (back references, look-behinds, word bounds) is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

ALPHABET = 128
EVERY = (1 << ALPHABET) - 1
MAX_REPEAT = 64
MAX_DEPTH = 40
_DIGITS = sum(1 << ord(c) for c in "0123456789")
_LETTERS = sum(1 << ord(c) for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD = _DIGITS | _LETTERS | 1 << ord("_")
_SPACE = sum(1 << ord(c) for c in " \t\n\r\f\v")
_CLASSES = {
    "d": _DIGITS,
    "D": EVERY & ~_DIGITS,
    "w": _WORD,
    "W": EVERY & ~_WORD,
    "s": _SPACE,
    "S": EVERY & ~_SPACE,
}
_ANCHORS = {"A": "start", "Z": "end", "z": "end"}


class SyntaxRefusedError(ValueError):
    """The expression is wrong, or holds what is not read; the message says what."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A piece of an expression.

    ``kind``: ``set`` (characters of ``mask``), ``cat`` and ``alt`` (of ``parts``), ``rep`` (``parts[0]`` from ``low``
    to ``high`` times; None: without end), ``start``, ``end``, ``ahead`` and ``not_ahead`` (of ``parts[0]``).
    """

    kind: str
    parts: tuple["Tree", ...] = ()
    mask: int = 0
    low: int = 0
    high: int | None = None

    @property
    def asserts(self) -> bool:
        """Whether it looks at more than what it matches."""
        own = self.kind in ("start", "end", "ahead", "not_ahead")
        return own or any(part.asserts for part in self.parts)


def mask_of(character: str) -> int:
    """The set of one character; none beyond ASCII is in a name."""
    return 1 << ord(character) if ord(character) < ALPHABET else 0


def parse_expression(text: str) -> Tree:
    """A regular expression as Python spells it.

    Raises:
        SyntaxRefusedError: it is wrong, or holds what is not read.
    """
    reader = _Reader(text)
    tree = reader.alternatives(0)
    if reader.rest:
        raise SyntaxRefusedError("a ) too many")
    return tree


def parse_wildcards(text: str) -> Tree:
    """A pattern of ``*``, ``?`` and ``[…]``; everything else stands for itself."""
    reader, parts = _Reader(text), []
    while reader.rest:
        character = reader.take()
        if character == "*":
            parts.append(ANYTHING)
        elif character == "?":
            parts.append(Tree("set", mask=EVERY))
        elif character == "[" and "]" in reader.rest[1:]:
            parts.append(reader.character_class(negation="!"))
        else:
            parts.append(Tree("set", mask=mask_of(character)))
    return Tree("cat", tuple(parts))


ANYTHING = Tree("rep", (Tree("set", mask=EVERY),))


def literals(tree: Tree) -> Iterator[str]:
    """Pieces without digits that every text holds which a tree matches."""
    run = ""
    for part in tree.parts if tree.kind == "cat" else (tree,):
        if part.kind == "cat":
            yield from literals(part)
        letter = chr(part.mask.bit_length() - 1) if part.kind == "set" and part.mask.bit_count() == 1 else ""
        if letter and not letter.isdigit():
            run += letter
            continue
        if run:
            yield run
        run = ""
    if run:
        yield run


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._any_case = False

    @property
    def rest(self) -> str:
        """What is left to read."""
        return self._text[self._at :]

    def take(self) -> str:
        """Takes the next character."""
        if self._at >= len(self._text):
            raise SyntaxRefusedError("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _took(self, piece: str) -> bool:
        if not self._text.startswith(piece, self._at):
            return False
        self._at += len(piece)
        return True

    def alternatives(self, depth: int) -> Tree:
        """What stands between bars."""
        if depth > MAX_DEPTH:
            raise SyntaxRefusedError("groups are nested too deeply")
        branches = [self._sequence(depth)]
        while self._took("|"):
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else Tree("alt", tuple(branches))

    def _sequence(self, depth: int) -> Tree:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return Tree("cat", tuple(parts))

    def _atom(self, depth: int) -> Tree:
        character = self.take()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self.character_class()
        if character == "\\":
            return self._escape()
        if character in "*+?":
            raise SyntaxRefusedError(f"nothing to repeat before {character}")
        special = {".": Tree("set", mask=EVERY), "^": Tree("start"), "$": Tree("end")}
        return special.get(character) or self._letter(character)

    def _letter(self, character: str) -> Tree:
        mask = mask_of(character)
        if self._any_case:
            mask = mask_of(character.lower()) | mask_of(character.upper())
        return Tree("set", mask=mask)

    def _group(self, depth: int) -> Tree:
        if self._took("?i)"):
            self._any_case = True
            return Tree("cat")
        kind = next((kind for mark, kind in _GROUPS.items() if self._took(mark)), "")
        if not kind and self._took("?P<"):
            while self.take() != ">":
                pass
        elif not kind and self.rest.startswith("?"):
            raise SyntaxRefusedError(f"({self.rest[:3]} is not read")
        inner = self.alternatives(depth + 1)
        if not self._took(")"):
            raise SyntaxRefusedError("a ) is missing")
        return Tree(kind, (inner,)) if kind in ("ahead", "not_ahead") else inner

    def _escape(self) -> Tree:
        character = self.take()
        if character in _CLASSES:
            return Tree("set", mask=_CLASSES[character])
        if character in _ANCHORS:
            return Tree(_ANCHORS[character])
        if character.isalnum():
            raise SyntaxRefusedError(f"\\{character} is not read")
        return self._letter(character)

    def character_class(self, negation: str = "^") -> Tree:
        """A set in brackets, behind the opening one."""
        negated = self._took(negation)
        mask, first = 0, True
        while first or not self._took("]"):
            mask |= self._class_item()
            first = False
        return Tree("set", mask=EVERY & ~mask if negated else mask)

    def _class_item(self) -> int:
        low = self.take()
        if low == "\\":
            low = self.take()
            if low in _CLASSES:
                return _CLASSES[low]
        if self.rest.startswith("-") and not self.rest.startswith("-]"):
            self.take()
            high = self.take()
            return sum(1 << code for code in range(ord(low), min(ord(high), ALPHABET - 1) + 1))
        return self._letter(low).mask

    def _repeated(self, tree: Tree) -> Tree:
        while self._at < len(self._text) and self._text[self._at] in "*+?{":
            low, high = self._times()
            self._took("?")
            tree = Tree("rep", (tree,), low=low, high=high)
        return tree

    def _times(self) -> tuple[int, int | None]:
        mark = self.take()
        if mark != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
        inside = ""
        while not self._took("}"):
            inside += self.take()
        low, comma, high = inside.partition(",")
        if not all(part.isdecimal() or not part for part in (low, high)) or not inside:
            raise SyntaxRefusedError(f"{{{inside}}} is no number of times")
        least = int(low or 0)
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > MAX_REPEAT:
            raise SyntaxRefusedError(f"too complex: more than {MAX_REPEAT} times")
        return least, most


_GROUPS = {"?:": "plain", "?=": "ahead", "?!": "not_ahead"}
