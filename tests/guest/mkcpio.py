#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an initramfs (cpio, "newc") without being root, the same bytes for the same input.

    mkcpio.py OUT ENTRY...

    PATH=FILE         a copy of FILE, with its executable bit
    PATH/             a directory
    PATH@TARGET       a symbolic link
    PATH!c:MAJ:MIN    a character device
    -                 more entries, one a line, from standard input

Directories that a path needs are made by themselves.
"""
import os
import stat
import sys


class Archive:
    def __init__(self, out):
        self.out = out
        self.ino = 0
        self.made = set()
        self.offset = 0

    def write(self, data):
        self.out.write(data)
        self.offset += len(data)

    def pad(self):
        self.write(b"\0" * (-self.offset % 4))

    def entry(self, path, mode, data=b"", rdev=(0, 0)):
        self.ino += 1
        name = path.encode() + b"\0"
        nlink = 2 if stat.S_ISDIR(mode) else 1
        fields = (self.ino, mode, 0, 0, nlink, 0, len(data), 0, 0, *rdev, len(name), 0)
        self.write(b"070701" + b"".join(b"%08X" % f for f in fields) + name)
        self.pad()
        self.write(data)
        self.pad()

    def directory(self, path):
        if not path or path in self.made:
            return
        self.directory(os.path.dirname(path))
        self.made.add(path)
        self.entry(path, stat.S_IFDIR | 0o755)

    def add(self, spec):
        at = min((i for i in (spec.find(c) for c in "=@!") if i >= 0), default=len(spec))
        path, kind, value = spec[:at].strip("/"), spec[at:at + 1], spec[at + 1:]
        if not kind:
            self.directory(path)
            return
        self.directory(os.path.dirname(path))
        if kind == "@":
            self.entry(path, stat.S_IFLNK | 0o777, value.encode())
        elif kind == "!":
            _, major, minor = value.split(":")
            self.entry(path, stat.S_IFCHR | 0o600, rdev=(int(major), int(minor)))
        else:
            with open(value, "rb") as f:
                mode = 0o755 if os.fstat(f.fileno()).st_mode & 0o100 else 0o644
                self.entry(path, stat.S_IFREG | mode, f.read())


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    tmp = f"{out}.{os.getpid()}"
    specs = sys.argv[2:]
    if specs and specs[-1] == "-":
        specs = specs[:-1] + sys.stdin.read().splitlines()
    try:
        with open(tmp, "wb") as f:
            archive = Archive(f)
            for spec in specs:
                archive.add(spec)
            archive.ino = -1
            archive.entry("TRAILER!!!", 0)
        os.rename(tmp, out)
    except OSError as e:
        if os.path.exists(tmp):
            os.unlink(tmp)
        sys.exit(f"mkcpio.py: {e}")


main()
