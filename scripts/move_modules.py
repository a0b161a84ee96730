"""Move modules to other folders by a plan, and follow them everywhere they are named.

    python scripts/move_modules.py scripts/moves/booking.txt

A plan has a line `old/path.py -> new/path.py` for each module or folder, relative to the package. A
line `new/folder/ : What the room is.` makes a package with that docstring; `old.py:Name -> new.py`
lets imports follow a name whose lines were moved by hand. Imports are rewritten in
all Python files under git; a module that was imported by its name is called by its new name, or
keeps its old one as an alias where the new one is taken (each is printed, to be looked at). Paths
and dotted names follow in every other text file. Nothing else changes, so that `git log --follow`
finds each file's history.
"""

import ast
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

PACKAGE: Final = "event_seating"
ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "src" / PACKAGE
LEFT_ALONE: Final = ("CHANGELOG.md", "scripts/")
"""History says what things were called then."""

_MOVE: Final = re.compile(r"(\S+) -> (\S+)\Z")
_SYMBOL: Final = re.compile(r"(\S+):(\w+) -> (\S+)\Z")
_ROOM: Final = re.compile(r"(\S+)/ : (.+)\Z")

Edit = tuple[int, int, bytes]
"""From this byte to that one, and what stands there instead."""


class Plan:
    """What moves where, as paths and as dotted names."""

    def __init__(self, text: str) -> None:
        self.paths: dict[str, str] = {}
        self.rooms: dict[str, str] = {}
        self.symbols: dict[str, str] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            if symbol := _SYMBOL.match(line):
                self.symbols[f"{dotted(symbol[1])}.{symbol[2]}"] = dotted(symbol[3])
            elif move := _MOVE.match(line):
                self.paths[move[1]] = move[2]
            elif room := _ROOM.match(line):
                self.rooms[room[1]] = room[2]
            elif not line.startswith("#"):
                raise SystemExit(f"not a line of a plan: {line}")
        self.modules = {dotted(old): dotted(new) for old, new in self._files()}
        self.new_modules = frozenset(self.modules.values())

    def _files(self) -> Iterator[tuple[str, str]]:
        for old, new in self.paths.items():
            yield old, new
            for inner in sorted((SOURCE / old).rglob("*.py")) if not old.endswith(".py") else ():
                rest = inner.relative_to(SOURCE / old).as_posix()
                if rest != "__init__.py":
                    yield f"{old}/{rest}", f"{new}/{rest}"

    def new_name(self, name: str) -> str | None:
        """The new name of a module, or of something in one; `None` when it stays."""
        parts = name.split(".")
        for length in range(len(parts), 1, -1):
            prefix = ".".join(parts[:length])
            if prefix in self.new_modules:
                return None
            if prefix in self.modules:
                return ".".join([self.modules[prefix], *parts[length:]])
        return None


def dotted(path: str) -> str:
    """A path in the package as the name of a module."""
    return f"{PACKAGE}." + path.removesuffix(".py").replace("/", ".")


class Bindings(ast.NodeVisitor):
    """Where a name is used, and whether something else than the import binds it there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.uses: list[ast.Name] = []
        self.shadowed = [False]
        self.bound_elsewhere = False

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        binds = any(
            each.arg == self.name for each in ast.walk(node.args) if isinstance(each, ast.arg)
        )
        body = node.body if isinstance(node.body, list) else [node.body]
        for each in body:
            binds = binds or any(
                isinstance(inner, ast.Name)
                and inner.id == self.name
                and isinstance(inner.ctx, ast.Store)
                for inner in ast.walk(each)
            )
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(default)
        if not isinstance(node, ast.Lambda):
            for outside in [*node.decorator_list, *filter(None, [node.returns])]:
                self.visit(outside)
            for arg in ast.walk(node.args):
                if isinstance(arg, ast.arg) and arg.annotation is not None:
                    self.visit(arg.annotation)
        self.shadowed.append(self.shadowed[-1] or binds)
        for each in body:
            self.visit(each)
        self.shadowed.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function  # noqa: N815

    def visit_Name(self, node: ast.Name) -> None:
        """Note a use, or that the name means something else here."""
        if node.id != self.name:
            return
        if self.shadowed[-1]:
            self.bound_elsewhere = True
        elif isinstance(node.ctx, ast.Load):
            self.uses.append(node)
        else:
            self.bound_elsewhere = True


def is_bound(tree: ast.AST, name: str) -> bool:
    """Whether anything in a file already has this name."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=found) | ast.arg(arg=found):
                pass
            case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found):
                pass
            case ast.ClassDef(name=found):
                pass
            case ast.alias(name=imported, asname=given):
                found = given or imported.split(".")[0]
            case _:
                continue
        if found == name:
            return True
    return False


class Rewriter:
    """One Python file."""

    def __init__(self, source: bytes, plan: Plan, where: str) -> None:
        self.source = source
        self.plan = plan
        self.where = where
        self.tree = ast.parse(source)
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.edits: set[Edit] = set()

    def rewritten(self) -> bytes:
        """The source with each import and each use of an imported module at its new name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self._import(node, node.module)
            elif isinstance(node, ast.Import):
                self._plain_import(node)
        source = self.source
        for start, end, text in sorted(self.edits, reverse=True):
            source = source[:start] + text + source[end:]
        return source

    def _span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _import(self, node: ast.ImportFrom, module: str) -> None:
        if module.split(".", maxsplit=1)[0] != PACKAGE:
            return
        by_module: dict[str, list[str]] = {}
        for alias in node.names:
            full = f"{module}.{alias.name}"
            moved = self.plan.modules.get(full)
            if moved is None:
                target = self.plan.symbols.get(full) or self.plan.new_name(module) or module
                by_module.setdefault(target, []).append(_as(alias.name, alias.asname))
                continue
            parent, _, name = moved.rpartition(".")
            given = alias.asname or self._renamed(alias.name, name)
            by_module.setdefault(parent, []).append(_as(name, given if given != name else None))
        indent = " " * node.col_offset
        lines = [f"from {target} import {', '.join(names)}" for target, names in by_module.items()]
        if lines == [
            f"from {module} import {', '.join(_as(a.name, a.asname) for a in node.names)}"
        ]:
            return
        comment = ""
        start, end = self._span(node)
        tail = self.source[end : self.source.find(b"\n", end)].decode()
        if len(lines) > 1 and tail.strip().startswith("#"):
            comment = tail
        text = f"{comment}\n{indent}".join(lines)
        self.edits.add((start, end, text.encode()))

    def _renamed(self, old: str, new: str) -> str:
        """What the file calls a module from now on; its uses follow."""
        if old == new:
            return new
        bindings = Bindings(old)
        bindings.visit(self.tree)
        if is_bound(self.tree, new):
            print(f"{self.where}: {new} is taken, {old} stays an alias")
            return old
        for use in bindings.uses:
            start, end = self._span(use)
            self.edits.add((start, end, new.encode()))
        return new

    def _plain_import(self, node: ast.Import) -> None:
        if any(self.plan.new_name(alias.name) for alias in node.names):
            print(f"{self.where}:{node.lineno}: `import` of a module that moves; do it by hand")


def _as(name: str, given: str | None) -> str:
    return name if given is None else f"{name} as {given}"


class PageRewriter:
    """A module or document of the pages, whose imports are relative to where it is."""

    _SPECIFIER: Final = re.compile(r"""(?<=")(\.{1,2}/[\w./-]+\.js)(?=")""")
    _ASSET: Final = re.compile(r"(?<=\{\{assets\}\}/)[\w./-]+")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def _now(self, path: str) -> str:
        return self.plan.paths.get(path, path)

    def rewritten(self, text: str, where: str) -> str:
        """The text of the file that is at this path before the move."""
        before, after = posixpath.dirname(where), posixpath.dirname(self._now(where))

        def imported(found: re.Match[str]) -> str:
            target = self._now(posixpath.normpath(posixpath.join(before, found[0])))
            relative = posixpath.relpath(target, after)
            return relative if relative.startswith(".") else f"./{relative}"

        text = self._SPECIFIER.sub(imported, text)
        return self._ASSET.sub(
            lambda found: self._now(f"page/{found[0]}").removeprefix("page/"), text
        )


def follow_names(text: str, plan: Plan, longest_first: Mapping[str, str]) -> str:
    """Paths and dotted names in a text that is not code."""
    for old, new in longest_first.items():
        text = re.sub(rf"(?<![\w/.]){re.escape(old)}(?![\w])", new, text)
        text = re.sub(rf"(?<=src/{PACKAGE}/){re.escape(old)}(?![\w])", new, text)
    pattern = re.compile(rf"(?<![\w.]){PACKAGE}(?:\.\w+)+")
    return pattern.sub(lambda found: plan.new_name(found[0]) or found[0], text)


def tracked() -> list[str]:
    """The files under git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    return [name for name in listed.stdout.decode().split("\0") if name]


def main(plan_file: Path) -> None:
    """Carry out a plan in the work tree, and stage it."""
    plan = Plan(plan_file.read_text())
    for room, says in plan.rooms.items():
        init = SOURCE / room / "__init__.py"
        init.parent.mkdir(parents=True, exist_ok=True)
        init.write_text(f'"""{says}"""\n')
    for name in tracked():
        path = ROOT / name
        if name.startswith(LEFT_ALONE) or path.is_symlink() or not path.is_file():
            continue
        raw = path.read_bytes()
        if b"\0" in raw:
            continue
        changed = Rewriter(raw, plan, name).rewritten() if name.endswith(".py") else raw
        try:
            text = changed.decode()
        except UnicodeDecodeError:
            continue
        longest = dict(sorted(plan.paths.items(), key=lambda each: -len(each[0])))
        in_package = path.relative_to(SOURCE).as_posix() if path.is_relative_to(SOURCE) else ""
        if in_package.endswith((".js", ".html")):
            text = PageRewriter(plan).rewritten(text, in_package)
        else:
            text = follow_names(text, plan, longest)
        if text.encode() != raw:
            path.write_bytes(text.encode())
    for old, new in plan.paths.items():
        target = SOURCE / new
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "mv", str(SOURCE / old), str(target)], cwd=ROOT, check=True)
    subprocess.run(["git", "add", "-A", "."], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
