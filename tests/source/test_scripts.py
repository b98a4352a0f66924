# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripts of the initramfs with a hostile kernel command line: dracut's, initramfs-tools', mkinitcpio's and the generator, as installed,
with the libraries of dracut and initramfs-tools and what stands in for mkinitcpio's, under each shell that an image can have. A canary is
the file that each hostile value tries to make."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from mkinitcpio_image import STUBS
from programs import BUILD
from trees import sandbox

SHELLS = {"dash": "/usr/bin/dash", "busybox": "/usr/bin/busybox", "bash": "/usr/bin/bash"}
CANARY = "/run/canary"
BATCH = 100
DEFAULT = 100
SEEDS = [pytest.param(first, marks=[pytest.mark.exhaustive] if first >= DEFAULT else []) for first in range(0, 1000, BATCH)]

# The name has no blank, no '/' and no '=' where a value cannot have them.
COMMANDS = [f">{CANARY}", ">canary", f"touch${{IFS}}{CANARY}", f"cp${{IFS}}/proc/cmdline${{IFS}}{CANARY}"]
WRAPS = ["$({0})", "`{0}`", ";{0};", "';{0};'", '";{0};"', "\n{0}\n", "|{0}&", "&&{0}||", "'$({0})'", '"`{0}`"', "\\';{0};\\'", "a[$({0})]",
         "${{x:-$({0})}}", "){0};(", "';{0};#", '";{0};#', "\\\";{0};\\\"", "*", "-h", "--help", "-", "--", "/", "%n%s", "\\c", "\x1b[31m", "é", "\udc9b", "~", "!",
         "'", '"', "\\"]
PATHS = ["02.0", "02.0/00.0", "02/00", "02.0-00.0-part1", "02.0,part=1", "/pci@i0cf8/scsi@3/disk@0", "/pci@i0cf8/scsi@3", "PciRoot(0x0)/Pci(0x2,0x0)",
         "02.0-nvme-1", "02.0,type=net", ""]
KEYS = ["root=pcipath:", "root=block:pcipath:", "root=/dev/disk/by-pci-path/", "mount.usr=pcipath:", "resume=pcipath:", "rd.pcipath.wait=",
        "rd.pcipath.wait=02.0,timeout=", "rd.retry=", "rd.timeout=", "rootdelay=", "rootflags=", "mount.usrflags=", "foo=", "rd.pcipath.debug ", "noresume ",
        "pcipath.alias=", "pcipath.alias=a=", "root=pcipath:alias:", "root=/dev/disk/by-pci-alias/", "rd.pcipath.wait=alias:", ""]

PROLOGUE = """
PATH=/run/bin:$PATH; export PATH LC_ALL=C.UTF-8
cd /run/cwd
systemctl() { exit 1; }; halt() { :; }; reboot() { :; }; mount() { :; }; udevadm() { :; };
hookdir=/lib/dracut/hooks NEWROOT=/run
"""

# As dracut's init does, with what its hooks have left behind run, too.
DRACUT = PROLOGUE + """
. /lib/dracut-lib.sh
emergency_shell() { warn "$*"; exit 1; }
set_systemd_timeout_for_dev() { :; }
(. /run/module/alias-pcipath.sh)
(root=$(getarg root=); resume=$(getarg resume=); . /run/module/parse-pcipath.sh; echo "root: $root")
(. /run/module/wait-pcipath.sh; . /run/module/mount-usr-pcipath.sh)
(. /run/module/explain-pcipath.sh)
for hook in /lib/dracut/hooks/*/*.sh /lib/dracut/hooks/initqueue/*/*.sh; do
    [ ! -e "$hook" ] || . "$hook"
done
"""
SYSTEMD = PROLOGUE + """
DRACUT_SYSTEMD=1
. /lib/dracut-lib.sh
emergency_shell() { warn "$*"; exit 1; }
(. /run/module/wait-pcipath.sh)
for hook in /lib/dracut/hooks/*/*.sh; do
    [ ! -e "$hook" ] || . "$hook"
done
"""
# As its init reads the line; panic= has no shell.
INITRAMFS_TOOLS = """
PATH=/run/bin:$PATH; export PATH LC_ALL=C.UTF-8
cd /run/cwd
halt() { :; }; panic=0 quiet=n ROOT='' resume='' ROOTDELAY=''
set -f
for word in $(cat /proc/cmdline); do
    case $word in
        root=*) ROOT=${word#root=} ;;
        resume=*) resume=${word#resume=} ;;
        rootdelay=*) ROOTDELAY=${word#rootdelay=} ;;
    esac
done
set +f
export ROOT resume ROOTDELAY panic quiet
. /run/init-top
. /run/init-premount
. /conf/param.conf
"""
MKINITCPIO = """
PATH=/run/bin:$PATH; export PATH LC_ALL=C.UTF-8
cd /run/cwd
. /run/init_functions
EMERGENCYHOOKS=
launch_interactive_shell() { exit 1; }
: >/tmp/cmdline
read -r line </proc/cmdline
parse_cmdline "$line"
(run_hookfunctions run_earlyhook 'early hook' pcipath; run_hookfunctions run_hook hook pcipath
# Init goes on with these. The hook has not printed them, so here is nothing that a terminal obeys.
printf 'root: %s resume: %s\\n' "$(getarg root)" "$resume" | LC_ALL=C tr -c ' -~\\n' '?')
"""


def hostile_line(generator):
    words = []
    for _ in range(generator.randrange(1, 6)):
        value = generator.choice(PATHS) + "".join(
            generator.choice([generator.choice(WRAPS).format(generator.choice(COMMANDS)), generator.choice(PATHS), generator.choice(",/'\" =")])
            for _ in range(generator.randrange(3)))
        quote = generator.choice(["", "", "", "'", '"'])
        words.append(f"{quote}{generator.choice(KEYS)}{value}{quote}")
    return " ".join(words).encode(errors="surrogateescape")


def make_image(root, base):
    """Our files, dracut's library and initramfs-tools' in their places, on file systems of this process."""
    sandbox.mount("tmpfs", "/run", "tmpfs")
    for name in ("bin", "cwd", "module", "image", "initramfs"):
        os.mkdir(f"/run/{name}")
    for name in ("upper", "work"):
        os.mkdir(f"/run/image/{name}")
    sandbox.mount("overlay", "/usr/lib", "overlay", options="lowerdir=/usr/lib,upperdir=/run/image/upper,workdir=/run/image/work")
    for name in ("", "initqueue", "initqueue/finished", "initqueue/settled", "emergency", "shutdown-emergency", "cmdline"):
        os.makedirs(f"/usr/lib/dracut/hooks/{name}", exist_ok=True)
    [base_module] = Path("/usr/lib/dracut/modules.d").glob("[0-9][0-9]base")
    for name in ("dracut-lib.sh", "dracut-dev-lib.sh"):
        shutil.copy(base_module / name, f"/usr/lib/{name}")
    for name in ("getarg", "getargs"):
        os.symlink("/usr/lib/dracut/dracut-util", f"/run/bin/dracut-{name}")
    # The program itself; but no device comes here, so that no wait is long.
    Path("/run/bin/pcipath").write_text(f"""#!/bin/sh
if [ "$1" = wait ]; then
    timeout=$2
    shift 2
    set -- wait "$timeout" --timeout=0 "$@"
fi
exec {BUILD}/helper/pcipath "$@"
""")
    os.chmod("/run/bin/pcipath", 0o755)

    [module], [script], [library] = (list(root.rglob(name)) for name in (
        "55pcipath", "init-premount/pcipath", "initramfs-tools/scripts/pcipath-lib.sh"))
    for path in module.iterdir():
        shutil.copy(path, "/run/module")
    for name in ("parse", "wait"):
        shutil.copy(module / f"{name}-pcipath.sh", f"/usr/lib/pcipath-{name}.sh")
    shutil.copy(module / "pcipath-lib.sh", "/usr/lib/pcipath-lib.sh")
    [top] = root.rglob("init-top/pcipath")
    for directory in ("/scripts", "/conf", "/hooks"):
        os.makedirs(f"{base}{directory}", exist_ok=True)
    shutil.copy(library, f"{base}/scripts")
    shutil.copy("/usr/share/initramfs-tools/scripts/functions", f"{base}/scripts")
    [hook] = root.rglob("initcpio/hooks/pcipath")
    moved = {"/scripts/": f"{base}/scripts/", "/conf/": f"{base}/conf/", "/hooks/": f"{base}/hooks/", "/tmp/cmdline": f"{base}/cmdline"}
    for source, target in ((script, "/run/init-premount"), (top, "/run/init-top"), (hook, f"{base}/hooks/pcipath"), (STUBS / "init_functions", "/run/init_functions")):
        text = source.read_text()
        for before, after in moved.items():
            text = text.replace(before, after)
        Path(target).write_text(text)
    os.chmod(f"{base}/hooks/pcipath", 0o755)
    return moved


def run_lines(root, base, shell, seeds, lines):
    """Run all scripts with each line; the lines after which there was a canary, and what was printed that a terminal obeys."""
    moved = make_image(root, base)
    command = [SHELLS[shell]] + (["sh"] if shell == "busybox" else [])
    os.symlink(SHELLS[shell], "/run/bin/sh")
    tools, mkinitcpio = INITRAMFS_TOOLS, MKINITCPIO
    for before, after in moved.items():
        tools, mkinitcpio = tools.replace(before, after), mkinitcpio.replace(before, after)
    Path("/run/systemd-fstab-generator").write_text('#!/bin/sh\nprintf "%s\\n" "$SYSTEMD_PROC_CMDLINE" >/run/rewritten\n')
    os.chmod("/run/systemd-fstab-generator", 0o755)
    scripts = {"dracut": DRACUT, "systemd": SYSTEMD, "initramfs-tools": tools, "mkinitcpio": mkinitcpio,
               "generator": PROLOGUE + "mkdir -p /run/normal/initrd.target.wants; . /run/module/pcipath-generator.sh"}
    found = []
    for line in lines or [hostile_line(random.Random(seed)) for seed in seeds]:
        Path("/run/cmdline").write_bytes(line + b"\n")
        sandbox.bind("/run/cmdline", "/proc/cmdline")
        for name, script in scripts.items():
            Path(f"{moved['/conf/']}param.conf").write_text("")
            script = script.replace("$0", "/run/generator")
            arguments = ["/run/systemd-generator", "/run/normal", "/run/normal", "/run/normal"]
            done = subprocess.run([*command, "-c", script, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False,
                                  env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/"})
            output = done.stdout + done.stderr
            if os.path.exists(CANARY) or os.listdir("/run/cwd"):
                found.append((name, line, "canary"))
                shutil.rmtree("/run/cwd")
                os.mkdir("/run/cwd")
                Path(CANARY).unlink(missing_ok=True)
            if name != "dracut" and (b"\x1b" in output or b"\xc2\x9b" in output):
                found.append((name, line, "terminal"))
            if lines:
                found.append((name, output.decode(errors="replace"), Path(f"{moved['/conf/']}param.conf").read_text()))
            shutil.rmtree("/run/normal", ignore_errors=True)
            for hook in Path("/usr/lib/dracut/hooks").rglob("*.sh"):
                hook.unlink()
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
    return root


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("first", SEEDS)
def test_hostile_command_lines(root, tmp_path, shell, first):
    assert sandbox.run(run_lines, root, tmp_path, shell, range(first, first + BATCH), None) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_command_line(root, tmp_path, shell):
    """The same scripts do their work: it is no empty test."""
    line = b"pcipath.alias=disk=02.0/00.0 pcipath.alias=wrong root=pcipath:alias:disk,part=2 resume=pcipath:03.0 rd.pcipath.wait='02.9,timeout=0' rd.pcipath.wait=1f.7,timeout=0"
    results = {name: (output, conf) for name, output, conf in sandbox.run(run_lines, root, tmp_path, shell, None, [line])}
    assert "rd.pcipath.wait=02.9,timeout=0: pcipath: '02.9' is not a path" in results["dracut"][0]
    assert "/proc/cmdline: the line is not NAME=TARGET" in results["dracut"][0]
    assert "resume=pcipath:03.0: not supported with systemd in the initramfs. Use resume=/dev/disk/by-pci-path/03.0" in results["systemd"][0]
    assert "rd.pcipath.wait=02.9,timeout=0: cannot be read" in results["mkinitcpio"][0]
    assert results["initramfs-tools"][1] == "ROOT='/dev/disk/by-pci-path/02.0-00.0-part2'\nresume='/dev/disk/by-pci-path/03.0'\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_mkinitcpio(root, tmp_path, shell):
    """root= and resume= are replaced in the variables and in the file that mkinitcpio reads. Nothing waits for a disk without a PCI path."""
    lines = [b"root='pcipath:02.0/00.0,part=2' rootdelay=x", b"root=pcipath:02.x", b"root=/dev/vda resume=pcipath:03.0"]
    outputs = [output for name, output, _ in sandbox.run(run_lines, root, tmp_path, shell, None, lines) if name == "mkinitcpio"]
    assert "ERROR: root=02.0-00.0-part2: not all devices are ready after 30 seconds" in outputs[0]
    assert "ERROR: root=pcipath:02.x: cannot be read" in outputs[1]
    assert outputs[2].splitlines()[-1] == "root: /dev/vda resume: /dev/disk/by-pci-path/03.0"


@pytest.mark.parametrize("seconds", ["1e3", "0x10", "99999999999999999999", "-1", "5s", ""])
def test_seconds_that_cannot_be_read(root, tmp_path, seconds):
    """dracut's hook and the scripts of the others refuse the same numbers of seconds, with pcipath's message."""
    line = f"rd.pcipath.wait=02.0,timeout={seconds}".encode()
    results = {name: output for name, output, _ in sandbox.run(run_lines, root, tmp_path, "dash", None, [line])}
    message = f"pcipath: --timeout={seconds}: {'more than 1000000000 seconds' if seconds.startswith('9') else 'not a number of seconds'}"
    assert all(message in results[name] for name in ("dracut", "initramfs-tools", "mkinitcpio")), results
