# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirtd of the tests leaves nothing behind."""

import os
import select
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

START = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from libvirtd import Libvirtd
daemon = Libvirtd(Path(sys.argv[2]))
print("started", flush=True)
sys.stdin.read()
"""


def test_ends_with_a_test_that_is_killed(tmp_path):
    test = subprocess.Popen([sys.executable, "-c", START, Path(__file__).parents[1], tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert test.stdout.readline() == "started\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{tmp_path}/run/libvirt-sock")
            pid, _, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        assert Path(f"/proc/{pid}/comm").read_text() == "libvirtd\n"
        daemon = os.pidfd_open(pid)
    finally:
        test.send_signal(signal.SIGKILL)
        test.communicate()
    assert select.select([daemon], [], [], 60)[0]
    os.close(daemon)
