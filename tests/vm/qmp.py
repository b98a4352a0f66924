# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client for QMP, QEMU's monitor protocol, over a connected socket. It knows nothing of any command or device.

Every call raises EOFError when QEMU has ended, and TimeoutError as progress.py has it.
"""

from __future__ import annotations

import io
import json
import socket
from typing import Any

from progress import Stream


class QMPError(Exception):
    """QEMU refused a command. `error_class` is QMP's, as in "DeviceNotFound"."""

    def __init__(self, command: str, error: dict[str, str]):
        super().__init__(f"{command}: {error['desc']} ({error['class']})")
        self.error_class = error["class"]


class QMP:
    def __init__(self, connection: socket.socket, pid: int):
        """Takes the socket over and negotiates. `pid` is QEMU's."""
        self._connection = connection
        self._reader = io.BufferedReader(Stream(connection, pid))
        self._events: list[dict[str, Any]] = []
        self._receive()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, /, **arguments: Any) -> Any:
        """The command's return value. An event that comes before it is kept for wait_event(). Raises QMPError."""
        self._connection.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            message = self._receive()
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise QMPError(command, message["error"])
            else:
                return message["return"]

    def wait_event(self, name: str, **data: Any) -> dict[str, Any]:
        """The data of the first event of this name that holds all of the given data, among those not yet waited for."""
        def is_wanted(event: dict[str, Any]) -> bool:
            return event["event"] == name and data.items() <= event.get("data", {}).items()

        while not (wanted := next(filter(is_wanted, self._events), None)):
            self._events.append(self._receive())
        self._events.remove(wanted)
        return wanted.get("data", {})

    def close(self) -> None:
        self._reader.close()
        self._connection.close()

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._reader.readline()
        except ConnectionError:  # it ended before it had read our last command
            line = b""
        if not line:
            raise EOFError("QEMU has ended")
        return json.loads(line)
