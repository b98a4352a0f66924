# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fake machines: sysfs trees on disk, and the names that the naming contract gives to what is in them.

    machine    a machine as its maker describes it: what is plugged in where, and no number that a guest makes up
    names      description in, PCI paths and link names out: the oracle. Knows the contract, not the trees
    sysfs      description in, a tree as the kernel would show it out: makes up every number that a guest makes up
    generate   random machines
    sandbox    a mount namespace in which such a tree is /sys
"""
