# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run a function in a child process whose mount namespace has a fake /sys.

The child is a fork, so the function can be a closure; what it returns or raises comes back through a pipe. Many
devices and trees are done in one child: a namespace costs more than a tree.
"""

import ctypes
import functools
import multiprocessing
import os
import shutil
import tempfile
import traceback

CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, fstype=None, flags=0, options=None):
    check(libc.mount(source.encode(), target.encode(), fstype and fstype.encode(), ctypes.c_ulong(flags),
                     options and options.encode()), f"mount {target}")


def bind(source, target):
    mount(source, target, flags=MS_BIND)


def unshare_mounts():
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def enter(base):
    """Bind an empty directory over /sys, on a tmpfs over `base`."""
    unshare_mounts()
    mount("tmpfs", base, "tmpfs", options="mode=755")
    os.mkdir(f"{base}/sys")
    bind(f"{base}/sys", "/sys")
    # sd-device asks whether /sys is a sysfs; systemd's own tests use this variable, too.
    os.environ["SYSTEMD_DEVICE_VERIFY_SYSFS"] = "0"


def empty(directory):
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _child(pipe, base, function, args):
    try:
        enter(base)
        pipe.send((True, function(*args)))
    except BaseException:
        pipe.send((False, traceback.format_exc()))


class Failed(Exception):
    """What the function raised, with the traceback of the child."""


@functools.cache
def _is_possible():
    child = multiprocessing.get_context("fork").Process(target=unshare_mounts)
    child.start()
    child.join()
    return child.exitcode == 0


def require():
    """Under `meson test`, skip a test where this process may have no namespaces. tests/run needs root, and skips nothing."""
    if "PCIPATH_MESON_TEST" in os.environ and not _is_possible():
        import pytest  # a benchmark has no use for it
        pytest.skip("namespaces need root")


def run_all(function, *arguments):
    """function(*args) for each of `arguments`, each in a sandbox of its own, all at once; their results."""
    require()
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(prefix="pcipath-") as base:
        children = []
        for args in arguments:
            ours, theirs = context.Pipe(duplex=False)
            child = context.Process(target=_child, args=(theirs, base, function, args))
            child.start()
            theirs.close()
            children.append((child, ours))
        results = []
        for child, ours in children:
            try:
                results.append(ours.recv())
            except EOFError:
                results.append((False, "the child died"))
            child.join()
    for good, result in results:
        if not good:
            raise Failed(result)
    return [result for _, result in results]


def run(function, *args):
    return run_all(function, args)[0]
