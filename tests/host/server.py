# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Unix socket with a server of the tests behind it."""

import contextlib
import socket
import tempfile
import threading


@contextlib.contextmanager
def served(serve):
    """The path of a socket whose connections are handed to serve(connection), one after the other."""
    with tempfile.TemporaryDirectory(prefix="pcipath-") as directory, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{directory}/socket")
        listener.listen()

        def run():
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as connection, contextlib.suppress(ConnectionError):
                        serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"{directory}/socket"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
