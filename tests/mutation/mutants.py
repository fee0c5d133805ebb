"""Every small change that a slip of the hand could make to a module, one at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

Change = Callable[[ast.AST], ast.AST | None]


class Mutant(NamedTuple):
    """A module with one change: where, what it was, what it is now, and the whole of it."""

    line: int
    before: str
    after: str
    tree: ast.Module


_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Pow: ast.Mult, ast.BitXor: ast.BitAnd,
}  # fmt: skip


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """The same node, changed."""
    changed = copy.deepcopy(node)
    if isinstance(changed, ast.Compare) and len(changed.ops) == 1:
        changed.ops = [_COMPARE[type(changed.ops[0])]()]
    elif isinstance(changed, ast.BinOp | ast.AugAssign) and type(changed.op) in _ARITHMETIC:
        changed.op = _ARITHMETIC[type(changed.op)]()
    elif isinstance(changed, ast.BoolOp):
        changed.op = ast.Or() if isinstance(changed.op, ast.And) else ast.And()
    elif isinstance(changed, ast.UnaryOp) and isinstance(
        changed.op, ast.Not | ast.USub | ast.Invert
    ):
        yield changed.operand
        return
    elif isinstance(changed, ast.If | ast.IfExp | ast.While):
        changed.test = ast.UnaryOp(ast.Not(), changed.test)
    elif isinstance(changed, ast.Constant) and isinstance(changed.value, bool):
        changed.value = not changed.value
    elif isinstance(changed, ast.Constant) and isinstance(changed.value, int | float):
        changed.value += 1
    elif isinstance(changed, ast.Return) and changed.value is not None:
        changed.value = ast.Constant(None)
    else:
        return
    yield changed


class _Replace(ast.NodeTransformer):
    def __init__(self, place: int, node: ast.AST) -> None:
        self._place, self._node, self._seen = place, node, -1

    def visit(self, node: ast.AST) -> ast.AST:
        self._seen += 1
        if self._seen == self._place:
            return self._node
        return super().visit(node)


def _places(tree: ast.Module) -> list[ast.AST]:
    """All nodes, in the order in which `_Replace` sees them."""
    nodes: list[ast.AST] = []

    class Collect(ast.NodeVisitor):
        def visit(self, node: ast.AST) -> None:
            nodes.append(node)
            super().visit(node)

    Collect().visit(tree)
    return nodes


def mutants(source: str) -> Iterator[Mutant]:
    """Every change to a module, but for those in annotations, which nobody runs."""
    tree = ast.parse(source)
    ignored = {
        id(inner)
        for node in ast.walk(tree)
        for field in ("annotation", "returns")
        if isinstance(annotation := getattr(node, field, None), ast.AST)
        for inner in ast.walk(annotation)
    }
    for place, node in enumerate(_places(tree)):
        if id(node) in ignored:
            continue
        for changed in _changes(node):
            whole = _Replace(place, changed).visit(copy.deepcopy(tree))
            ast.fix_missing_locations(whole)
            line = getattr(node, "lineno", 0)
            yield Mutant(line, _text(node), _text(changed), whole)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:70]
