# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules and the helper under test are installed ones: PCIPATH_DESTDIR's, or else a fresh install of the build."""

import os

import pytest
from rules import udev


@pytest.fixture(scope="session", autouse=True)
def installed(tmp_path_factory):
    destdir = os.environ.get("PCIPATH_DESTDIR")
    os.environ["PCIPATH_UDEV"] = (udev.find_udev_directory(destdir) if destdir else
                                  udev.install(tmp_path_factory.mktemp("install")))
