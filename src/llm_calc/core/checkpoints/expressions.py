"""Regular expressions over names of modules, in time that grows with a name's length and with nothing else.

An expression is a language; the derivative of a language by a character is what may follow that character.
Languages are interned, so that each meets a character once, whatever the names. ``ahead`` is an intersection, its
negation a complement: both are languages like others.
The idea is that of J. A. Brzozowski, Derivatives of Regular Expressions, Journal of the ACM 11 (1964).
"""

from llm_calc.core.checkpoints.expression_syntax import EVERY, SyntaxRefusedError, Tree, literals, mask_of

MAX_WORK = 20_000
"""Languages and derivatives that one expression may take; thousands of times what published ones need."""


class Language:
    """A set of texts. ``nullable``: whether the empty text is in it."""

    __slots__ = ("after", "kind", "mask", "nullable", "parts")

    def __init__(self, kind: str, parts: tuple["Language", ...], mask: int, *, nullable: bool) -> None:
        self.kind, self.parts, self.mask, self.nullable = kind, parts, mask, nullable
        self.after: dict[str, Language] = {}


class Expression:
    """One expression.

    ``begin``: the language of names that it matches from their start. ``literals``: pieces that are in all of them.

    Raises:
        SyntaxRefusedError: it takes too much work, or looks around inside of a repetition.
    """

    def __init__(self, tree: Tree, *, anchored_end: bool = False) -> None:
        self._interned: dict[tuple[object, ...], Language] = {}
        self.work = 0
        self.nothing = self._make("set", (), 0)
        self.empty = self._make("empty", ())
        self.anything = self._make("star", (self._make("set", (), EVERY),))
        self.literals = tuple(literals(tree))
        self.begin = self._build(tree, self.empty if anchored_end else self.anything, at_start=True)

    def matches(self, text: str) -> bool:
        """Whether the text is in the language."""
        return self.walk(self.begin, text).nullable

    def walk(self, language: Language, text: str) -> Language:
        """What may follow ``text``."""
        for character in text:
            language = self.step(language, character)
            if language is self.nothing or language is self.anything:
                return language
        return language

    def step(self, language: Language, character: str) -> Language:
        """What may follow one character."""
        known = language.after.get(character)
        if known is None:
            known = self._derive(language, character)
            language.after[character] = known
        return known

    def _spend(self) -> None:
        self.work += 1
        if self.work > MAX_WORK:
            raise SyntaxRefusedError("too complex")

    def _make(self, kind: str, parts: tuple[Language, ...], mask: int = 0) -> Language:
        key = (kind, mask, *map(id, parts))
        found = self._interned.get(key)
        if found is None:
            self._spend()
            found = Language(kind, parts, mask, nullable=_nullable(kind, parts))
            self._interned[key] = found
        return found

    def _concat(self, first: Language, then: Language) -> Language:
        if first is self.nothing or then is self.nothing:
            return self.nothing
        if first is self.empty or then is self.empty:
            return then if first is self.empty else first
        if first.kind == "concat":
            return self._concat(first.parts[0], self._concat(first.parts[1], then))
        if first is self.anything and then is self.anything:
            return self.anything
        return self._make("concat", (first, then))

    def _union(self, *parts: Language) -> Language:
        flat = self._flat("union", parts, self.nothing)
        if self.anything in flat:
            return self.anything
        return self._joined("union", flat, self.nothing)

    def _both(self, *parts: Language) -> Language:
        flat = self._flat("both", parts, self.anything)
        if self.nothing in flat:
            return self.nothing
        return self._joined("both", flat, self.anything)

    def _flat(self, kind: str, parts: tuple[Language, ...], neutral: Language) -> list[Language]:
        flat: dict[Language, None] = {}
        for part in parts:
            inner = part.parts if part.kind == kind else (part,)
            flat.update((each, None) for each in inner if each is not neutral)
        return sorted(flat, key=id)

    def _joined(self, kind: str, parts: list[Language], neutral: Language) -> Language:
        if len(parts) < 2:
            return parts[0] if parts else neutral
        return self._make(kind, tuple(parts))

    def _not(self, part: Language) -> Language:
        if part.kind == "not":
            return part.parts[0]
        if part in (self.nothing, self.anything):
            return self.anything if part is self.nothing else self.nothing
        return self._make("not", (part,))

    def _star(self, part: Language) -> Language:
        return part if part.kind == "star" else self._make("star", (part,))

    def _derive(self, language: Language, character: str) -> Language:
        self._spend()
        kind, parts = language.kind, language.parts
        if kind == "set":
            return self.empty if language.mask & mask_of(character) else self.nothing
        if kind == "empty":
            return self.nothing
        after = [self.step(part, character) for part in parts[:1]]
        if kind == "star":
            return self._concat(after[0], language)
        if kind == "not":
            return self._not(after[0])
        if kind == "concat":
            first = self._concat(after[0], parts[1])
            return self._union(first, self.step(parts[1], character)) if parts[0].nullable else first
        after += [self.step(part, character) for part in parts[1:]]
        return self._union(*after) if kind == "union" else self._both(*after)

    def _build(self, tree: Tree, then: Language, *, at_start: bool) -> Language:
        """The language of a tree followed by ``then``."""
        self._spend()
        kind = tree.kind
        if kind == "cat":
            for place in range(len(tree.parts) - 1, -1, -1):
                first = at_start and all(part.kind == "start" for part in tree.parts[:place])
                then = self._build(tree.parts[place], then, at_start=first)
            return then
        if kind == "alt":
            return self._union(*(self._build(part, then, at_start=at_start) for part in tree.parts))
        if kind == "start" and not at_start:
            raise SyntaxRefusedError("^ stands behind something")
        if kind == "start":
            return then
        if kind == "end":
            return self._both(then, self.empty)
        if kind in ("ahead", "not_ahead"):
            seen = self._build(tree.parts[0], self.anything, at_start=at_start)
            return self._both(seen if kind == "ahead" else self._not(seen), then)
        if kind == "rep":
            return self._repeated(tree, then)
        return self._concat(self._make("set", (), tree.mask), then)

    def _repeated(self, tree: Tree, then: Language) -> Language:
        if tree.parts[0].asserts:
            return self._optional(tree, then)
        once = self._build(tree.parts[0], self.empty, at_start=False)
        if tree.high is None:
            then = self._concat(self._star(once), then)
        else:
            rest = then
            for _ in range(tree.high - tree.low):
                then = self._union(rest, self._concat(once, then))
        for _ in range(tree.low):
            then = self._concat(once, then)
        return then

    def _optional(self, tree: Tree, then: Language) -> Language:
        if (tree.low, tree.high) != (0, 1):
            raise SyntaxRefusedError("too complex: a repeated group that looks around")
        return self._union(then, self._build(tree.parts[0], then, at_start=False))


def _nullable(kind: str, parts: tuple[Language, ...]) -> bool:
    if kind == "not":
        return not parts[0].nullable
    if kind in ("concat", "both"):
        return all(part.nullable for part in parts)
    return kind in ("empty", "star") or (kind == "union" and any(part.nullable for part in parts))
