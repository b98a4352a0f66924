# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real libvirtd of the tests' own.

It runs in namespaces of its own. Its directories lie over those of the machine, so it neither sees nor changes a libvirt that
the machine has. When the test ends, even if it is killed, the first process of the namespaces reads the end of its input: the kernel
then kills all the others, QEMUs included.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

# In qemu.conf: nothing that needs systemd, dbus or another program of libvirt's.
CONFIGURATION = {
    "qemu.conf": """
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
dynamic_ownership = 0
remember_owner = 0
""",
    "libvirtd.conf": """
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
""",
}

# libvirtd looks for the user that Debian's configuration package makes, though it runs QEMU as root here. `wait` reaps the
# QEMUs, which libvirtd waits for.
START = """
cd "$1"
for name in passwd group; do
    cp "/etc/$name" "$name"
done
echo libvirt-qemu:x:64055:64055::/:/bin/false >>passwd
echo libvirt-qemu:x:64055: >>group
for name in passwd group; do
    mount --bind "$name" "/etc/$name"
done
for directory in /etc /run /var/lib /var/cache /var/log; do
    mkdir -p "$directory/libvirt" ".$directory"
    mount --bind ".$directory" "$directory/libvirt"
done
libvirtd --daemon --pid-file /run/libvirt/libvirtd.pid --config /etc/libvirt/libvirtd.conf
echo ready
exec 3<&0
cat <&3 >/dev/null &
wait $!
"""


# In place of a QEMU: it is the QEMU while libvirt asks what that can do. When a domain is started it writes down the arguments, and
# runs QEMU if there is a file with the name of the domain.
EMULATOR = """#!/bin/sh
case " $* " in *" -machine none"*) exec /usr/bin/{0} "$@" ;; esac
for word; do
    case $word in guest=*) name=${{word#guest=}} name=${{name%%,*}} ;; esac
done
printf '%s\\0' "$@" >"{1}/arguments-$name"
[ ! -e "{1}/run-$name" ] || exec /usr/bin/{0} "$@"
exit 1
"""


class Refused(Exception):
    """virsh failed; the text is its own."""


class Libvirtd:
    def __init__(self, directory: Path):
        """`directory` must exist and be the daemon's own. A path of a socket in it must not be too long."""
        self.directory = directory
        (directory / "etc").mkdir()
        for name, text in CONFIGURATION.items():
            (directory / "etc" / name).write_text(text)
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation=private",
             "sh", "-euc", START, "libvirtd", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != "ready\n":
            raise AssertionError(f"libvirtd does not start: {self._process.communicate()[1]}{self.log()}")
        for name in ("qemu-system-x86_64", "qemu-system-aarch64", "qemu-system-ppc64"):
            (directory / name).write_text(EMULATOR.format(name, directory))
            (directory / name).chmod(0o755)
        for letters in ("vd", "sd", "hd", "fd"):
            for number in range(26):
                with (directory / f"disk-{letters}{chr(ord('a') + number)}").open("wb") as file:
                    file.truncate(1474560)
        self._uri = f"qemu+unix:///system?socket={directory}/run/libvirt-sock"

    def log(self) -> str:
        path = self.directory / "var/log/libvirtd.log"
        return path.read_text() if path.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        """With which virsh talks to this daemon."""
        return os.environ | {"LIBVIRT_DEFAULT_URI": self._uri, "LC_ALL": "C.UTF-8"}

    def virsh(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """The standard output of one command. Raises Refused."""
        done = subprocess.run(["virsh", "-q", *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False, env=self.environment)
        if done.returncode:
            raise Refused(done.stderr.strip())
        return done.stdout

    def batch(self, commands: list[str]) -> list[str]:
        """The standard output of each command, in one process. That of a command that fails is empty."""
        text = "; ".join(f"{command}; echo =====" for command in commands)
        done = subprocess.run(["virsh", "-q", text], capture_output=True, text=True, check=False, env=self.environment)
        outputs = done.stdout.split("=====")
        assert len(outputs) == len(commands) + 1, done.stderr
        self.errors = re.findall(r"^error: (.*)", done.stderr, re.MULTILINE)
        return outputs[:-1]

    def arguments(self, name: str) -> list[str] | None:
        """With which libvirt has started a QEMU for a domain. None if it has not."""
        path = self.directory / f"arguments-{name}"
        return path.read_text().split("\0")[:-1] if path.exists() else None

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()
