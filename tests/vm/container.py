# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers in a guest: a disk with crun and a root file system for them, and their configuration (OCI runtime specification)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from machine import Machine

TOOLS = "/run/tools"  # where the disk is mounted
BUNDLE = "/run/bundle"

CONFIGURATION: dict[str, Any] = {
    "ociVersion": "1.0.0",
    "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"], "noNewPrivileges": True},
    "root": {"path": f"{TOOLS}/rootfs", "readonly": True},
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
               {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}],
    "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
              "resources": {"devices": [{"allow": False, "access": "rwm"}]}},
}


def make_tools(drive: Path) -> None:
    """A file system with the host's crun, its libraries, and a root file system that is busybox."""
    crun = Path("/usr/bin/crun")
    libraries = re.findall(r"=> (/\S+)", subprocess.run(["ldd", crun], text=True, stdout=subprocess.PIPE, check=True).stdout)
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        for place in ("lib", "rootfs/bin", "rootfs/proc", "rootfs/dev", "rootfs/sys", "rootfs/volume"):
            (tree / place).mkdir(parents=True)
        shutil.copy(crun, tree)
        for library in libraries:
            shutil.copy(library, tree / "lib")
        shutil.copy("/bin/busybox", tree / "rootfs/bin")
        for applet in subprocess.run(["/bin/busybox", "--list"], text=True, stdout=subprocess.PIPE, check=True).stdout.split():
            if applet != "busybox":
                (tree / "rootfs/bin" / applet).symlink_to("busybox")
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, drive], check=True)


def mount_tools(machine: Machine, path: str) -> None:
    """From the disk at a PCI path. A guest without systemd has no control groups yet."""
    machine.run(f"mkdir -p {TOOLS} {BUNDLE} && mount -o ro $(pcipath wait {path}) {TOOLS}")
    machine.run("[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup")


def run(machine: Machine, script: str, mounts: list[dict[str, Any]] = [], nodes: list[dict[str, str]] = [],
        interfaces: list[dict[str, str]] = []) -> str:
    """What a shell script in a container prints that has these mounts, and these device nodes and network interfaces of CDI."""
    configuration = json.loads(json.dumps(CONFIGURATION))
    configuration["process"]["args"] = ["sh", "-euc", script]
    configuration["mounts"] += mounts
    devices = [_device(machine, node) for node in nodes]
    configuration["linux"]["devices"] = devices
    if interfaces:
        configuration["ociVersion"] = "1.3.0"
        configuration["linux"]["netDevices"] = {i["hostInterfaceName"]: {"name": i["name"]} for i in interfaces}
    configuration["linux"]["resources"]["devices"] += [
        {"allow": True, "access": node["permissions"], **{key: device[key] for key in ("type", "major", "minor")}}
        for node, device in zip(nodes, devices, strict=True)]
    machine.run(f"cat >{BUNDLE}/config.json <<'END'\n{json.dumps(configuration)}\nEND")
    # An initramfs cannot be left by pivot_root(2).
    pivot = "" if machine.has_udevd else "--no-pivot"
    return machine.run(f"LD_LIBRARY_PATH={TOOLS}/lib {TOOLS}/crun --cgroup-manager=cgroupfs run {pivot} --bundle={BUNDLE} test")


def _device(machine: Machine, node: dict[str, str]) -> dict[str, Any]:
    """As a runtime makes it of CDI's, with the numbers that the node has now."""
    kind, major, minor = machine.run(f"stat -c '%F/%t/%T' {node['hostPath']}").strip().split("/")
    assert kind == {"b": "block special file", "c": "character special file"}[node["type"]]
    return {"path": node["path"], "type": node["type"], "major": int(major, 16), "minor": int(minor, 16)}
