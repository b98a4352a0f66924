# SPDX-License-Identifier: LGPL-2.1-or-later
"""The source tree and what is built from it: compilers, shells, options, and the files that get installed."""

import difflib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from programs import loaded_later

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PCIPATH_BUILDDIR", TOP / "build"))


def run(*command, **options):
    """The standard output of a command that has to succeed."""
    done = subprocess.run(command, text=True, capture_output=True, check=False, **options)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def tracked_files():
    """Paths of the files in the tree, relative to its top; build directories are not among them."""
    return [TOP / name for name in run("git", "ls-files", "-co", "--exclude-standard", cwd=TOP).splitlines()]


def is_shell(path):
    """Does the file begin with a #! line that names a shell?"""
    with path.open("rb") as file:
        return re.match(rb"#!.*\b(ba)?sh\b", file.readline()) is not None


def test_shellcheck():
    scripts = [path for path in tracked_files() if path.is_file() and is_shell(path)]
    assert TOP / "tests/run" in scripts and TOP / "dracut/module-setup.sh.in" in scripts
    # dracut sources its modules with these variables set.
    run("shellcheck", "--severity=style", "--external-sources", "--check-sourced", f"--source-path={TOP}", *(path for path in scripts if path.parent.name != "dracut"))
    run("shellcheck", "--exclude=SC2154", *(path for path in scripts if path.parent.name == "dracut"))


def test_licenses():
    """Each file has a license (.reuse/dep5), and each source file says its own."""
    run("reuse", "--root", TOP, "lint")
    sources = [path for path in tracked_files() if path.suffix in (".c", ".h", ".py", ".sh", ".in", ".rules") or path.name == "meson.build"]
    assert len(sources) > 200
    assert not [path for path in sources if path.is_file() and "SPDX-License-Identifier: LGPL-2.1-or-later" not in path.read_text()[:200]]


def without_alignment(text):
    """Lines with one space for each run of spaces after the indentation: tables are aligned by hand."""
    return [re.sub(r"(?<=\S) {2,}(?=\S)| +(?=\\$)", " ", line) for line in text.splitlines()]


def test_clang_format():
    files = [path for path in tracked_files() if path.suffix in (".c", ".h") and path.is_file()]
    assert len(files) > 100
    differences = []
    for path in files:
        formatted = run("clang-format", f"--style=file:{TOP}/.clang-format", path)
        differences += difflib.unified_diff(without_alignment(path.read_text()), without_alignment(formatted), str(path), "clang-format",
                                            n=0, lineterm="")
    assert differences == [], "\n".join(differences)


def test_line_length():
    """Lines of C have at most 120 columns, as .clang-format says."""
    sources = [path for path in tracked_files() if path.suffix in (".c", ".h") and path.is_file()]
    assert len(sources) > 100
    assert not [f"{path.relative_to(TOP)}:{number}" for path in sources
                for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > 120]


@pytest.mark.parametrize("build,compiler", [("build", "gcc"), ("build-clang", "clang")])
def test_compiler_warns_of_nothing(build, compiler):
    """The build of tests/setup was made by this compiler with every warning an error."""
    options = {o["name"]: o["value"] for o in json.loads(run("meson", "introspect", "--buildoptions", TOP / build))}
    commands = json.loads((TOP / build / "compile_commands.json").read_text())
    version = run(commands[0]["command"].split()[0], "--version")
    assert ("clang" in version) == (compiler == "clang")
    assert options["werror"] is True


# Options of the build, the dependencies that it must not ask for, a program, and the second line of its --version.
PARTS = {
    "host": (["-Dguest=disabled", "-Dhost=enabled"], ["libsystemd", "libmnl", "libkmod", "blkid", "udev"], "helper/host/pcipath-host",
             "-GUEST -MANAGER +HOST -DRACUT -INITRAMFS_TOOLS -MKINITCPIO"),
    "guest": (["-Dhost=disabled", "-Ddracut=false"], ["json-c", "libxml-2.0"], "helper/pcipath",
              "+GUEST +MANAGER -HOST -DRACUT +INITRAMFS_TOOLS +MKINITCPIO"),
    "no-manager": (["-Dmanager=disabled", "-Dhost=disabled", "-Dinitramfs-tools=false", "-Dmkinitcpio=false"], ["json-c", "libxml-2.0", "libkmod", "blkid"],
                   "helper/pcipath", "+GUEST -MANAGER -HOST +DRACUT -INITRAMFS_TOOLS -MKINITCPIO"),
}


@pytest.mark.parametrize("part", PARTS)
def test_builds_without_the_rest(part, tmp_path):
    """Configured where pkg-config does not find the libraries of the other parts, and linked without them."""
    options, absent, program, features = PARTS[part]
    fake = tmp_path / "pkg-config"
    fake.write_text(f"""#!/bin/sh
        for word; do case $word in {'|'.join(absent)}) exit 1 ;; esac; done
        exec /usr/bin/pkg-config "$@"
        """)
    fake.chmod(0o755)
    build = tmp_path / "build"
    run("meson", "setup", *options, "-Dtests=disabled", "-Dwerror=true", "-Dbuildtype=plain", build, TOP,
        env=os.environ | {"PKG_CONFIG": str(fake)})
    run("ninja", "-C", build, program)
    assert run(build / program, "--version").splitlines()[1:] == [features]
    linked = run("ldd", build / program)
    assert not re.search("|".join({"json-c": "libjson-c", "libxml-2.0": "libxml2", "blkid": "libblkid"}.get(name, name) + r"\.so"
                                  for name in absent if name != "udev"), linked)
    if part == "no-manager":
        done = subprocess.run([build / program, "probe", "/dev/null"], text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (2, "pcipath: the command 'probe' was not built in. Try 'pcipath --help'.\n")
        assert not {"probe", "coldplug", "monitor"} & set(run(build / program, "--help").split())


@pytest.mark.parametrize("option", ["-Dudevdir=relative/dir", "-Ddracutmodulesdir=relative/dir",
                                    "-Dsystemdsystemunitdir=relative/dir", "-Dinitramfstoolsdir=relative/dir", "-Dmkinitcpiodir=relative/dir", "-Dudevadm=udevadm",
                                    "-Dnosuch=1"])
def test_bad_option_fails_to_configure(option, tmp_path):
    done = subprocess.run(["meson", "setup", option, tmp_path / "build", TOP], text=True, capture_output=True,
                          check=False)
    assert done.returncode != 0
    assert "ERROR:" in done.stdout + done.stderr


@pytest.mark.parametrize("program,libraries", [
    ("pcipath", {"libsystemd", "libmnl", "libsmartcols", "libblkid", "libc"}), ("pcipath_id", {"libsystemd", "libc"}),
    ("pcipath_altname", {"libmnl", "libc"})])
def test_links_no_more_than_it_needs(program, libraries):
    dynamic = run("readelf", "-d", BUILD / "helper" / program)
    assert set(re.findall(r"NEEDED.*\[(.*?)\.so", dynamic)) == libraries


@pytest.mark.parametrize("build", ["build", "build-clang"])
def test_names_the_library_that_it_loads_later(build, tmp_path):
    """Packagers and tools that build images read this. It stays in a stripped program."""
    program = TOP / build / "helper/pcipath"
    stripped = tmp_path / "pcipath"
    run("strip", "--strip-all", "--strip-unneeded", "-o", stripped, program)
    for file in (program, stripped):
        assert [{key: entry[key] for key in ("soname", "feature", "priority")} for entry in loaded_later(file)] == [
            {"soname": ["libkmod.so.2"], "feature": "kmod", "priority": "recommended"}]


def test_host_links_nothing_of_the_guests():
    dynamic = run("readelf", "-d", BUILD / "helper/host/pcipath-host")
    assert set(re.findall(r"NEEDED.*\[(.*)\.so", dynamic)) == {"libjson-c", "libxml2", "libsmartcols", "libc"}


def test_host_is_optional(tmp_path):
    run("meson", "setup", "-Dhost=disabled", tmp_path / "build", TOP)
    assert "pcipath-host" not in run("meson", "introspect", "--installed", tmp_path / "build")


def test_host_is_a_package_of_its_own(tmp_path):
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--tags=host", "--destdir", tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        "usr/bin/pcipath-host",
        "usr/share/bash-completion/completions/pcipath-host",
        "usr/share/zsh/site-functions/_pcipath-host",
        "usr/share/man/man1/pcipath-host.1",
    }


def test_install(tmp_path):
    """What `meson install` puts where: with the options' paths instead of those of udev.pc, systemd.pc and dracut.pc."""
    build = tmp_path / "build"
    run("meson", "setup", "-Dudevdir=/x/udev", "-Ddracutmodulesdir=/x/dracut", "-Dsystemdsystemunitdir=/x/units",
        "-Dinitramfstoolsdir=/x/initramfs-tools", "-Dmkinitcpiodir=/x/initcpio", "-Dudevadm=/x/udevadm", "-Dtests=disabled", build, TOP)
    run("meson", "install", "-C", build, env=os.environ | {"DESTDIR": str(tmp_path / "root")})
    root = tmp_path / "root"
    installed = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert installed == {
        "x/udev/pcipath_id",
        "x/udev/pcipath_altname",
        "x/udev/rules.d/61-pcipath.rules",
        *(f"x/dracut/55pcipath/{name}.sh" for name in (
            "module-setup", "alias-pcipath", "explain-pcipath", "mount-usr-pcipath", "parse-pcipath", "pcipath-generator", "pcipath-lib", "wait-pcipath")),
        "x/dracut/55pcipath/pcipath-cmdline.service",
        "x/dracut/55pcipath/pcipath-initrd.service",
        "x/initramfs-tools/hooks/pcipath",
        "x/initramfs-tools/scripts/init-premount/pcipath",
        "x/initramfs-tools/scripts/init-top/pcipath",
        "x/initramfs-tools/scripts/pcipath-lib.sh",
        "x/initcpio/install/pcipath",
        "x/initcpio/hooks/pcipath",
        *(f"x/initcpio/pcipath/{name}.sh" for name in (
            "explain-pcipath", "parse-pcipath", "pcipath-generator", "pcipath-lib", "systemd-pcipath", "wait-pcipath")),
        "x/initcpio/pcipath/pcipath-initrd.conf",
        "x/initcpio/pcipath/pcipath-initrd.service",
        "x/units/pcipath-wait@.service",
        "x/units/pcipath-cdi.service",
        "x/units/pcipath-prune.service",
        "x/units/pcipath-alias.service",
        "x/units/sysinit.target.wants/pcipath-alias.service",
        "x/units/sysinit.target.wants/pcipath-prune.service",
        "usr/lib/pcipath/initramfs-drivers",
        "usr/libexec/pcipath/list-initramfs-drivers",
        "usr/libexec/pcipath/maintainer-script",
        "usr/bin/pcipath",
        "usr/bin/pcipath-host",
        "usr/share/bash-completion/completions/pcipath",
        "usr/share/bash-completion/completions/pcipath-host",
        "usr/share/zsh/site-functions/_pcipath",
        "usr/share/zsh/site-functions/_pcipath-host",
        "usr/share/man/man1/pcipath-host.1",
        "usr/share/man/man1/pcipath.1",
        "usr/share/man/man5/pcipath-aliases.5",
        "usr/share/man/man7/dracut.pcipath.7",
        "usr/share/man/man7/pcipath-names.7",
        "usr/share/man/man8/pcipath-wait.service.8",
        "usr/share/man/man8/pcipath-wait@.service.8",
        "usr/share/man/man8/pcipath_id.8",
    }
    assert set(re.findall(r"[^ \"]*udevadm", (root / "x/udev/rules.d/61-pcipath.rules").read_text())) == {"/x/udevadm"}
    page = (root / "usr/share/man/man8/pcipath_id.8").read_text()
    assert "/x/udev/rules.d/61-pcipath.rules" in re.sub(r"\\&|\\(?=-)", "", page)
