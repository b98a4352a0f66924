# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of mkinitcpio, made by its hook as installed and by what stands in for mkinitcpio, which Debian does not have."""

import os
import shutil
import subprocess
from pathlib import Path

from programs import BUILD
from trees import sandbox

STUBS = Path(__file__).resolve().parent / "mkinitcpio"


def install(directory):
    """`meson install` to an empty directory. Debian 12 has udev and units below /lib."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", directory], check=True)
    return directory


def _run_hooks(installed, buildroot, arguments, prepare):
    sandbox.mount("tmpfs", "/run", "tmpfs")
    for name in ("bin", "lib", "libexec"):
        above = [str(directory) for directory in (installed / name, installed / "usr" / name) if directory.is_dir()]
        os.makedirs(f"/run/{name}/upper")
        os.mkdir(f"/run/{name}/work")
        sandbox.mount("overlay", f"/usr/{name}", "overlay",
                      options=f"lowerdir={':'.join([*above, f'/usr/{name}'])},upperdir=/run/{name}/upper,workdir=/run/{name}/work")
    prepare()
    done = subprocess.run([STUBS / "functions", buildroot, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def make_image(installed, buildroot, *hooks, modules, kernel, prepare=lambda: None):
    """Run the build functions of hooks, where what `installed` has lies above this machine's /usr. The status and the errors."""
    return sandbox.run(_run_hooks, installed, buildroot, [modules, kernel, *hooks], prepare)


def pack(buildroot, image):
    """An archive that the kernel unpacks."""
    with open(image, "wb") as file:
        find = subprocess.Popen(["find", "."], cwd=buildroot, stdout=subprocess.PIPE)
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=buildroot, stdin=find.stdout, stdout=file, check=True)
        assert find.wait() == 0


def forget(buildroot):
    """Remove what the package has in an image that another tool made."""
    for path in sorted(buildroot.rglob("*pcipath*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
