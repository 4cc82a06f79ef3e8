"""The memory of a process as a file: every page of it that can be read and holds anything."""

import pathlib

PAGE = 4096
PIECE = 1 << 20


def readable_ranges(pid):
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        addresses, access = line.split()[:2]
        if access.startswith("r") and not line.endswith(("[vvar]", "[vsyscall]")):
            yield tuple(int(address, 16) for address in addresses.split("-"))


def dump(pid, path):
    """Bytes written. Neighbouring pages stay neighbours, so that what crosses a page's end is found."""
    written = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(path, "wb") as sink:
        for begin, end in readable_ranges(pid):
            for at in range(begin, end, PIECE):
                try:
                    memory.seek(at)
                    piece = memory.read(min(PIECE, end - at))
                except (OSError, OverflowError):  # a guard page, or gone meanwhile
                    continue
                for start in range(0, len(piece), PAGE):
                    page = piece[start:start + PAGE]
                    if page.count(0) != len(page):
                        written += sink.write(page)
    return written
